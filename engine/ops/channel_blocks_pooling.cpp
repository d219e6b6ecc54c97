// MaxPool, AveragePool and GlobalAveragePool in blocks of channels.
#include "engine/kernels/channel_blocks/pooling.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/channel_blocks.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine::ops {
namespace {

// A value in blocks has the spatial axes where window.hpp expects them, behind two others.
Shape in_front(const Shape& blocks) { return {blocks[0], blocks[1], blocks[2], blocks[3]}; }

std::vector<OutputType> infer_pool(const InferRequest& request) {
  OutputType output{.type = DataType::float32, .shape = std::nullopt};
  const std::int64_t lanes = lanes_of(request.node);
  if (const Shape* input = shape_of_blocks(request, 0, lanes)) {
    const Shape space = spatial_outputs(read_window(request.node, 2, std::nullopt), in_front(*input), request.node);
    output.shape = {(*input)[0], (*input)[1], space[0], space[1], lanes};
  }
  return {output};
}

std::vector<OutputType> infer_global(const InferRequest& request) {
  OutputType output{.type = DataType::float32, .shape = std::nullopt};
  const std::int64_t lanes = lanes_of(request.node);
  if (const Shape* input = shape_of_blocks(request, 0, lanes)) output.shape = {(*input)[0], (*input)[1], 1, 1, lanes};
  return {output};
}

kernels::BlockedPool pool_of(const Node& node, const Shape& input, const Shape& output) {
  const Window window = read_window(node, 2, std::nullopt);
  kernels::BlockedPool pool{};
  pool.rows = static_cast<std::size_t>(input[2]);
  pool.columns = static_cast<std::size_t>(input[3]);
  pool.output_rows = static_cast<std::size_t>(output[2]);
  pool.output_columns = static_cast<std::size_t>(output[3]);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    pool.kernel[axis] = static_cast<std::size_t>(window.kernel[axis]);
    pool.stride[axis] = static_cast<std::size_t>(window.stride[axis]);
    pool.dilation[axis] = static_cast<std::size_t>(window.dilation[axis]);
    const WindowAxis placed = place(window, axis, input[axis + 2], node);
    pool.pad[axis] = placed.pad_begin;
    pool.pad_end[axis] = placed.pad_end;
  }
  pool.count_padding = node.integer("count_include_pad", 0) != 0;
  return pool;
}

// Calls body(floats of the input's plane, floats of the output's) for each block of each image.
template <class Body>
void for_each_plane(RunContext& run, const Body& body) {
  const Shape& output = run.out().shape();
  const auto planes = static_cast<std::size_t>(output[0] * output[1]);
  const std::size_t from = run.in(0).data<float>().size() / planes;
  const std::size_t to = run.out().data<float>().size() / planes;
  const float* input = run.in(0).data<float>().data();
  float* target = run.out().mutable_data<float>().data();
  kernels::parallel_for(planes, [&](std::size_t plane, std::size_t) { body(input + plane * from, target + plane * to); });
}

using Kernel = void (*kernels::BlockedPoolKernels::*)(const kernels::BlockedPool&) noexcept;

template <Kernel kernel>
Step prepare_pool(const PrepareRequest& request) {
  check_lanes(request);
  return [node = request.node, run_plane = kernels::blocked_pool_kernels(selected_isa()).*kernel](RunContext& run) {
    if (run.out().elements() == 0) return;
    const kernels::BlockedPool pool = pool_of(node, run.in(0).shape(), run.out().shape());
    for_each_plane(run, [&](const float* image, float* outputs) {
      kernels::BlockedPool plane = pool;
      plane.image = image;
      plane.outputs = outputs;
      run_plane(plane);
    });
  };
}

Step prepare_global_average(const PrepareRequest& request) {
  check_lanes(request);
  return [kernels = kernels::blocked_pool_kernels(selected_isa())](RunContext& run) {
    if (run.out().elements() == 0) return;
    const auto pixels = static_cast<std::size_t>(run.in(0).shape()[2] * run.in(0).shape()[3]);
    for_each_plane(run, [&](const float* image, float* output) { kernels.global_average(image, pixels, output); });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "MaxPool", .domain = blocks_domain, .infer = infer_pool, .prepare = prepare_pool<&kernels::BlockedPoolKernels::largest>},
    {.type = "AveragePool", .domain = blocks_domain, .infer = infer_pool, .prepare = prepare_pool<&kernels::BlockedPoolKernels::average>},
    {.type = "GlobalAveragePool", .domain = blocks_domain, .infer = infer_global, .prepare = prepare_global_average},
};

}  // namespace

Family channel_blocks_pooling() { return rows; }

}  // namespace titrate::engine::ops
