#include "engine/quant/weights/input_rows.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine {
namespace {

// The middle of the index-th of `count` equal parts of [0, total).
std::int64_t spread(std::int64_t index, std::int64_t count, std::int64_t total) { return (2 * index + 1) * total / (2 * count); }

// A matrix [rows, columns] whose element (row, column) is at row * row_stride + column * column_stride.
InputRows matrix_rows(const Tensor& input, std::int64_t rows, std::int64_t columns, std::int64_t row_stride, std::int64_t column_stride,
                      std::int64_t most) {
  InputRows result{.groups = 1, .columns = columns, .rows = std::min(rows, most), .elements = {}};
  const auto elements = input.data<float>();
  result.elements.reserve(static_cast<std::size_t>(result.rows * columns));
  for (std::int64_t index = 0; index < result.rows; ++index) {
    const std::int64_t row = spread(index, result.rows, rows);
    for (std::int64_t column = 0; column < columns; ++column)
      result.elements.push_back(elements[static_cast<std::size_t>(row * row_stride + column * column_stride)]);
  }
  return result;
}

// The windows of a convolution over any number of spatial axes.
class WindowRows {
 public:
  WindowRows(const Node& node, const Shape& weights, const Tensor& input)
      : window_(ops::read_window(node, weights.size() - 2, Shape(weights.begin() + 2, weights.end()))),
        input_(input),
        channels_(weights[1]),
        groups_(node.integer("group", 1)) {
    for (std::size_t axis = 0; axis < window_.rank(); ++axis) axes_.push_back(ops::place(window_, axis, input.shape()[axis + 2], node));
  }

  InputRows take(std::int64_t most) const {
    std::int64_t positions = input_.shape()[0];
    for (const ops::WindowAxis& axis : axes_) positions *= axis.output;
    InputRows result{.groups = groups_, .columns = channels_ * taps(), .rows = std::min(positions, most), .elements = {}};
    result.elements.resize(static_cast<std::size_t>(result.groups * result.rows * result.columns));
    for (std::int64_t row = 0; row < result.rows; ++row) fill(spread(row, result.rows, positions), row, result);
    return result;
  }

 private:
  std::int64_t taps() const {
    std::int64_t count = 1;
    for (const std::int64_t size : window_.kernel) count *= size;
    return count;
  }

  // For each tap the element's place within a channel, or -1 in the padding.
  std::vector<std::int64_t> places(std::int64_t position) const {
    std::vector<std::int64_t> origin(axes_.size());
    for (std::size_t axis = axes_.size(); axis-- > 0;) {
      origin[axis] = position % axes_[axis].output * window_.stride[axis] - axes_[axis].pad_begin;
      position /= axes_[axis].output;
    }
    std::vector<std::int64_t> result(static_cast<std::size_t>(taps()));
    for (std::size_t tap = 0; tap < result.size(); ++tap) result[tap] = place_of(origin, static_cast<std::int64_t>(tap));
    return result;
  }

  std::int64_t place_of(const std::vector<std::int64_t>& origin, std::int64_t tap) const {
    std::int64_t place = 0;
    std::int64_t stride = 1;
    for (std::size_t axis = axes_.size(); axis-- > 0;) {
      const std::int64_t size = input_.shape()[axis + 2];
      const std::int64_t at = origin[axis] + tap % window_.kernel[axis] * window_.dilation[axis];
      if (at < 0 || at >= size) return -1;
      place += at * stride;
      stride *= size;
      tap /= window_.kernel[axis];
    }
    return place;
  }

  void fill(std::int64_t position, std::int64_t row, InputRows& result) const {
    std::int64_t outputs = 1;
    std::int64_t area = 1;
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      outputs *= axes_[axis].output;
      area *= input_.shape()[axis + 2];
    }
    const std::vector<std::int64_t> taken = places(position % outputs);
    const float* image = input_.data<float>().data() + position / outputs * input_.shape()[1] * area;
    for (std::int64_t group = 0; group < result.groups; ++group) {
      float* target = result.elements.data() + (group * result.rows + row) * result.columns;
      for (std::int64_t channel = 0; channel < channels_; ++channel) {
        const float* plane = image + (group * channels_ + channel) * area;
        for (const std::int64_t place : taken) *target++ = place < 0 ? 0.0F : plane[place];
      }
    }
  }

  ops::Window window_;
  const Tensor& input_;
  std::int64_t channels_;  // of one group
  std::int64_t groups_;
  std::vector<ops::WindowAxis> axes_;
};

}  // namespace

InputRows input_rows(const Node& node, const Shape& weights, const Tensor& input, std::int64_t most) {
  const Shape& shape = input.shape();
  if (input.type() != DataType::float32) throw_invalid(cat("its input is ", name_of(input.type()), ", not float32"), node.described());
  if (node.type == "Conv") {
    if (shape.size() != weights.size() || shape[1] != weights[1] * node.integer("group", 1))
      throw_invalid(cat("an input of the shape ", to_text(shape), " does not fit weights of ", to_text(weights)), node.described());
    return WindowRows(node, weights, input).take(most);
  }
  if (node.type == "Gemm" && node.integer("transA", 0) != 0) return matrix_rows(input, shape.at(1), shape.at(0), 1, shape[1], most);
  const std::int64_t columns = shape.empty() ? 1 : shape.back();
  return matrix_rows(input, columns == 0 ? 0 : input.elements() / columns, columns, columns, 1, most);
}

}  // namespace titrate::engine
