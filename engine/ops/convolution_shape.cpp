#include "engine/ops/convolution_shape.hpp"

#include <algorithm>

namespace titrate::engine::ops {
namespace {

std::size_t spatial_rank(const InferRequest& request, const ConvolutionShapes& shapes) {
  for (const Shape* shape : {shapes.input, shapes.weights}) {
    if (shape == nullptr) continue;
    if (shape->size() < 3) {
      request.refuse(cat(shape == shapes.input ? "the input has" : "the weights have", " the shape ", to_text(*shape),
                         ": batch, channels and space are needed"));
    }
    return shape->size() - 2;
  }
  return 0;
}

std::optional<Shape> kernel_of(const Shape* weights) {
  if (weights == nullptr) return std::nullopt;
  return Shape(weights->begin() + 2, weights->end());
}

bool differ(std::int64_t a, std::int64_t b) { return a >= 0 && b >= 0 && a != b; }

void check_channels(const InferRequest& request, const Shape& input, const Shape& weights, const Shape* bias) {
  const std::int64_t groups = request.node.integer("group", 1);
  if (groups < 1) request.refuse(cat("group is ", groups));
  if (input.size() != weights.size()) request.refuse(cat("input ", to_text(input), " and weights ", to_text(weights), " differ in rank"));
  if (input[1] >= 0 && weights[1] >= 0 && (groups > input[1] + 1 || input[1] != weights[1] * groups)) {
    request.refuse(cat("the input has ", input[1], " channels, the weights are for ", weights[1], " in each of ", groups, " groups"));
  }
  if (weights[0] >= 0 && weights[0] % groups != 0) request.refuse(cat(weights[0], " filters cannot be cut into ", groups, " groups"));
  if (bias != nullptr) {
    if (bias->size() != 1 || differ((*bias)[0], weights[0]))
      request.refuse(cat("the bias ", to_text(*bias), " is not one number a filter"));
  }
}

}  // namespace

std::optional<Shape> convolution_output(const InferRequest& request, const ConvolutionShapes& shapes) {
  const std::size_t rank = spatial_rank(request, shapes);
  if (rank == 0) return std::nullopt;
  const Shape* input = shapes.input;
  const Shape* weights = shapes.weights;
  if (input != nullptr && weights != nullptr) check_channels(request, *input, *weights, shapes.bias);
  Shape output(rank + 2, -1);
  if (input != nullptr) output[0] = (*input)[0];
  if (weights != nullptr) output[1] = (*weights)[0];
  const std::optional<Shape> kernel = kernel_of(weights);
  const bool kernel_known = (kernel && std::all_of(kernel->begin(), kernel->end(), [](std::int64_t size) { return size >= 0; })) ||
                            !request.node.integers("kernel_shape").empty();
  if (input != nullptr && kernel_known) {
    const Window window = read_window(request.node, rank, kernel);
    const Shape space = spatial_outputs(window, *input, request.node);
    std::copy(space.begin(), space.end(), output.begin() + 2);
  }
  return output;
}

kernels::ConvolutionGeometry convolution_geometry(const Window& window, const Shape& input, const Shape& weights, const Shape& output,
                                                  std::int64_t groups, const Node& node) {
  kernels::ConvolutionGeometry geometry;
  geometry.batch = input[0];
  geometry.groups = groups;
  geometry.channels = weights[1];
  geometry.filters = weights[0] / groups;
  geometry.input = three(Shape(input.begin() + 2, input.end()));
  geometry.kernel = three(window.kernel);
  geometry.output = three(Shape(output.begin() + 2, output.end()));
  geometry.stride = three(window.stride);
  geometry.dilation = three(window.dilation);
  Shape pad;
  for (std::size_t axis = 0; axis < window.rank(); ++axis) pad.push_back(place(window, axis, input[axis + 2], node).pad_begin);
  geometry.pad = three(pad, 0);
  return geometry;
}

}  // namespace titrate::engine::ops
