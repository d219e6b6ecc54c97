// Conv in blocks of channels: dense, grouped and depthwise, with the addend and the activation of FusedConv. Filters are packed when the
// node is prepared.
#include <algorithm>
#include <memory>

#include "engine/kernels/convolution/blocked.hpp"
#include "engine/kernels/convolution/blocked_depthwise.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/channel_blocks.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/fused_activation.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t axes = 4;  // of planes: batch, channels, rows, columns

bool is_depthwise(std::int64_t groups, const Shape& weights) { return groups > 1 && weights[1] == 1 && weights[0] == groups; }

ImageOrder input_order(const Node& node) { return node.integer("planes", 0) != 0 ? ImageOrder::planes : ImageOrder::blocks; }

bool sizes_known(const Shape& planes) { return planes[2] >= 0 && planes[3] >= 0; }

// Of a batch of one; outputs of one pixel where the sizes are unknown.
kernels::ConvolutionGeometry geometry_of(const Node& node, const Shape& weights, const Shape& input) {
  const Window window = read_window(node, axes - 2, Shape(weights.begin() + 2, weights.end()));
  const std::int64_t groups = node.integer("group", 1);
  if (sizes_known(input)) {
    const Shape one{1, weights[1] * groups, input[2], input[3]};
    Shape output{1, weights[0]};
    for (const std::int64_t size : spatial_outputs(window, one, node)) output.push_back(size);
    return convolution_geometry(window, one, weights, output, groups, node);
  }
  kernels::ConvolutionGeometry geometry;
  geometry.groups = groups;
  geometry.channels = weights[1];
  geometry.filters = weights[0] / groups;
  geometry.kernel = three(window.kernel);
  geometry.stride = three(window.stride);
  geometry.dilation = three(window.dilation);
  return geometry;
}

// X as [N, C, H, W], in whichever order it comes; null while it is unknown.
std::optional<Shape> input_in_planes(const InferRequest& request, std::int64_t lanes) {
  if (input_order(request.node) == ImageOrder::planes) {
    const Shape* planes = request.shape(0);
    return planes == nullptr ? std::nullopt : std::optional(*planes);
  }
  const Shape* blocks = shape_of_blocks(request, 0, lanes);
  const Shape* weights = request.shape(1);
  if (blocks == nullptr || weights == nullptr || weights->size() != axes) return std::nullopt;
  const std::int64_t channels = (*weights)[1] * request.node.integer("group", 1);
  if ((*blocks)[1] >= 0 && (*blocks)[1] != (channels + lanes - 1) / lanes)
    request.refuse(cat("the input ", to_text(*blocks), " is not that of ", channels, " channels"));
  return shape_in_planes(*blocks, channels);
}

std::vector<OutputType> infer_convolution(const InferRequest& request) {
  (void)activation_of_convolution(request.node);
  const std::int64_t lanes = lanes_of(request.node);
  for (std::size_t index = 0; index < request.inputs.size(); ++index) {
    const DataType type = request.type(index);
    if (type != DataType::undefined && type != DataType::float32) request.refuse(cat("input ", index, " is ", name_of(type)));
  }
  if (const Shape* weights = request.shape(1); weights != nullptr && weights->size() != axes)
    request.refuse(cat("the weights ", to_text(*weights), " are not for two spatial axes"));
  OutputType output{.type = DataType::float32, .shape = std::nullopt};
  const std::optional<Shape> input = input_in_planes(request, lanes);
  const std::optional<Shape> planes = convolution_output(request, {input ? &*input : nullptr, request.shape(1), request.shape(2)});
  if (planes) output.shape = shape_in_blocks(*planes, lanes);
  return {output};
}

// A node that outlives the request: the step needs its attributes and its name.
struct PreparedConvolution {
  Node node;
  Shape weights;
  kernels::Activation activation;
  std::unique_ptr<const kernels::BlockedFilters> dense;  // one of the two is there
  std::unique_ptr<const kernels::BlockedDepthwiseFilters> depthwise;
  // For an input whose sizes were known.
  Shape expected_input;
  kernels::ConvolutionGeometry expected_geometry;

  [[nodiscard]] kernels::ConvolutionGeometry geometry(const Shape& input) const {
    const bool expected = std::equal(input.begin() + 2, input.begin() + axes, expected_input.begin() + 2);
    kernels::ConvolutionGeometry result = expected ? expected_geometry : geometry_of(node, weights, input);
    result.batch = input[0];
    return result;
  }
};

double products_of(const kernels::ConvolutionGeometry& geometry) {
  const auto outputs = geometry.batch * geometry.groups * geometry.filters * geometry.output_size();
  return static_cast<double>(outputs) * static_cast<double>(geometry.depth());
}

void run_convolution(const PreparedConvolution& prepared, RunContext& run) {
  if (run.out().elements() == 0) return;
  const kernels::ConvolutionGeometry geometry = prepared.geometry(run.in(0).shape());
  const float* addend = nullptr;
  if (run.has(3)) {
    if (run.in(3).shape() != run.out().shape()) throw_invalid("the addend has another shape than the output", prepared.node.described());
    addend = run.in(3).data<float>().data();
  }
  const kernels::Epilogue epilogue(selected_isa(), prepared.activation, addend);
  const kernels::OneThread alone(products_of(geometry) < kernels::least_shared_products);
  const float* input = run.in(0).data<float>().data();
  float* output = run.out().mutable_data<float>().data();
  if (prepared.depthwise != nullptr) {
    const auto scratch = run.scratch.floats(kernels::blocked_depthwise_scratch(*prepared.depthwise, geometry));
    kernels::convolve_blocked_depthwise(*prepared.depthwise, geometry, input, output, scratch, epilogue);
  } else {
    const auto scratch = run.scratch.floats(kernels::blocked_scratch(*prepared.dense, geometry));
    kernels::convolve_blocked(*prepared.dense, geometry, input, output, scratch, epilogue);
  }
}

const Tensor& constant_input(const PrepareRequest& request, std::size_t index) {
  const Tensor* tensor = request.constant(index);
  if (tensor == nullptr) request.refuse(cat("input ", index, " is no constant"));
  return *tensor;
}

Step prepare_convolution(const PrepareRequest& request) {
  check_lanes(request);
  const Tensor& weights = constant_input(request, 1);
  const float* bias = request.has(2) ? constant_input(request, 2).data<float>().data() : nullptr;
  const std::int64_t groups = request.node.integer("group", 1);
  const ImageOrder order = input_order(request.node);
  Shape input = request.inputs[0].shape.value_or(Shape{-1, -1, -1, -1});
  if (!convolves_in_blocks(request.node, weights.shape(), input, order)) request.refuse("it has no form in blocks of channels");
  const kernels::ConvolutionGeometry geometry = geometry_of(request.node, weights.shape(), input);
  if (!sizes_known(input)) input = {-1, -1, -1, -1};  // no run has these
  const float* filters = weights.data<float>().data();
  auto prepared = std::make_shared<PreparedConvolution>();
  prepared->node = request.node;
  prepared->weights = weights.shape();
  prepared->activation = activation_of_convolution(request.node);
  if (is_depthwise(groups, weights.shape()))
    prepared->depthwise = std::make_unique<const kernels::BlockedDepthwiseFilters>(selected_isa(), geometry, filters, bias);
  else
    prepared->dense = std::make_unique<const kernels::BlockedFilters>(selected_isa(), geometry, filters, bias, order);
  prepared->expected_input = std::move(input);
  prepared->expected_geometry = geometry;
  return [prepared = std::shared_ptr<const PreparedConvolution>(std::move(prepared))](RunContext& run) { run_convolution(*prepared, run); };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Conv",
     .domain = blocks_domain,
     .least_inputs = 2,
     .most_inputs = 4,
     .infer = infer_convolution,
     .prepare = prepare_convolution},
};

}  // namespace

bool convolves_in_blocks(const Node& node, const Shape& weights, const Shape& input, ImageOrder order) {
  if (weights.size() != axes || element_count(weights) == 0) return false;
  if (is_depthwise(node.integer("group", 1), weights)) return order == ImageOrder::blocks;
  return kernels::suits_blocks(geometry_of(node, weights, input), static_cast<std::size_t>(block_lanes()), order);
}

Family channel_blocks_convolution() { return rows; }

}  // namespace titrate::engine::ops
