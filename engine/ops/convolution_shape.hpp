// What every kind of convolution shares: the output's shape, and the geometry that kernels are called with.
#pragma once

#include <optional>

#include "engine/kernels/convolution/geometry.hpp"
#include "engine/ops/operator.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine::ops {

/// Shapes in ONNX's order: batch, channels, space; filters, channels of a group, space; one bias a filter. Null: unknown or left out.
struct ConvolutionShapes {
  const Shape* input;
  const Shape* weights;
  const Shape* bias;
};

/// Batch, filters, space, as far as the shapes tell it. Throws Error(invalid) for shapes and attributes that do not fit.
[[nodiscard]] std::optional<Shape> convolution_output(const InferRequest& request, const ConvolutionShapes& shapes);

/// Shapes in the same order, all sizes known.
[[nodiscard]] kernels::ConvolutionGeometry convolution_geometry(const Window& window, const Shape& input, const Shape& weights,
                                                                const Shape& output, std::int64_t groups, const Node& node);

}  // namespace titrate::engine::ops
