#include "engine/ops/channel_blocks.hpp"

#include <algorithm>

#include "engine/kernels/channel_blocks/reorder.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/shape_inference.hpp"

namespace titrate::engine::ops {

std::int64_t block_lanes() { return static_cast<std::int64_t>(kernels::channel_lanes(selected_isa())); }

Shape shape_in_blocks(const Shape& planes, std::int64_t lanes) {
  const std::int64_t blocks = planes[1] < 0 ? -1 : (planes[1] + lanes - 1) / lanes;
  return {planes[0], blocks, planes[2], planes[3], lanes};
}

Shape shape_in_planes(const Shape& blocks, std::int64_t channels) { return {blocks[0], channels, blocks[2], blocks[3]}; }

std::int64_t lanes_of(const Node& node) {
  const std::int64_t lanes = node.integer("lanes", 0);
  if (lanes < 1) throw_invalid(cat("lanes is ", lanes), node.described());
  return lanes;
}

const Shape* shape_of_blocks(const InferRequest& request, std::size_t index, std::int64_t lanes) {
  const Shape* shape = request.shape(index);
  if (shape != nullptr && (shape->size() != 5 || (shape->back() >= 0 && shape->back() != lanes)))
    request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", which is none in blocks of ", lanes, " channels"));
  return shape;
}

void check_lanes(const PrepareRequest& request) {
  if (lanes_of(request.node) != block_lanes())
    request.refuse(cat("blocks of ", lanes_of(request.node), " channels are not those of this processor's registers"));
}

namespace {

constexpr TypeSet float32_only = type_set({DataType::float32});

std::vector<OutputType> infer_to_blocks(const InferRequest& request) {
  check_type(request, 0, float32_only);
  OutputType output{.type = DataType::float32, .shape = std::nullopt};
  if (const Shape* shape = request.shape(0)) {
    if (shape->size() != 4) request.refuse(cat("the input ", to_text(*shape), " has no four axes"));
    output.shape = shape_in_blocks(*shape, lanes_of(request.node));
  }
  return {output};
}

std::vector<OutputType> infer_from_blocks(const InferRequest& request) {
  check_type(request, 0, float32_only);
  const std::int64_t lanes = lanes_of(request.node);
  const std::int64_t channels = request.node.integer("channels", 0);
  OutputType output{.type = DataType::float32, .shape = std::nullopt};
  if (const Shape* shape = shape_of_blocks(request, 0, lanes)) {
    if ((*shape)[1] >= 0 && (channels < 0 || (*shape)[1] != (channels + lanes - 1) / lanes))
      request.refuse(cat("the input ", to_text(*shape), " is not that of ", channels, " channels"));
    output.shape = shape_in_planes(*shape, channels);
  }
  return {output};
}

// Calls copy(floats of a block, its channels, pixels, floats of its planes) for each block of each image.
template <class Copy>
void for_each_block(const Shape& planes, std::int64_t lanes, const Copy& copy) {
  const std::int64_t blocks = (planes[1] + lanes - 1) / lanes;
  const std::int64_t pixels = planes[2] * planes[3];
  kernels::parallel_for(static_cast<std::size_t>(planes[0] * blocks), [&](std::size_t index, std::size_t) {
    const auto at = static_cast<std::int64_t>(index);
    const std::int64_t first = at % blocks * lanes;
    copy(at * pixels * lanes, static_cast<std::size_t>(std::min(lanes, planes[1] - first)), static_cast<std::size_t>(pixels),
         (at / blocks * planes[1] + first) * pixels);
  });
}

Step prepare_to_blocks(const PrepareRequest& request) {
  check_lanes(request);
  return [lanes = lanes_of(request.node), kernels = kernels::reorder_kernels(selected_isa())](RunContext& run) {
    if (run.out().elements() == 0) return;
    const float* planes = run.in(0).data<float>().data();
    float* blocks = run.out().mutable_data<float>().data();
    for_each_block(run.in(0).shape(), lanes, [&](std::int64_t block, std::size_t channels, std::size_t pixels, std::int64_t plane) {
      kernels.to_block(planes + plane, channels, pixels, blocks + block);
    });
  };
}

Step prepare_from_blocks(const PrepareRequest& request) {
  check_lanes(request);
  return [lanes = lanes_of(request.node), kernels = kernels::reorder_kernels(selected_isa())](RunContext& run) {
    if (run.out().elements() == 0) return;
    const float* blocks = run.in(0).data<float>().data();
    float* planes = run.out().mutable_data<float>().data();
    for_each_block(run.out().shape(), lanes, [&](std::int64_t block, std::size_t channels, std::size_t pixels, std::int64_t plane) {
      kernels.from_block(blocks + block, channels, pixels, planes + plane);
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "ToBlocks", .domain = blocks_domain, .infer = infer_to_blocks, .prepare = prepare_to_blocks},
    {.type = "FromBlocks", .domain = blocks_domain, .infer = infer_from_blocks, .prepare = prepare_from_blocks},
};

}  // namespace

Family channel_blocks() { return rows; }

}  // namespace titrate::engine::ops
