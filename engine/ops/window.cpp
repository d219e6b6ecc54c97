#include "engine/ops/window.hpp"

#include <algorithm>

namespace titrate::engine::ops {
namespace {

constexpr std::int64_t largest = std::int64_t{1} << 31;  // of a kernel, stride, dilation or pad: their products then fit 63 bits

Shape read_sizes(const Node& node, std::string_view name, std::size_t count, std::int64_t absent, std::int64_t least) {
  Shape sizes = node.integers(name);
  if (sizes.empty()) sizes.assign(count, absent);
  if (sizes.size() != count) throw_invalid(cat(name, " has ", sizes.size(), " numbers, ", count, " are needed"), node.described());
  for (const std::int64_t size : sizes) {
    if (size < least || size > largest) throw_invalid(cat(name, " holds ", size), node.described());
  }
  return sizes;
}

Window::Padding read_padding(const Node& node) {
  const std::string text = node.text("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) return Window::Padding::given;
  if (text == "SAME_UPPER") return Window::Padding::same_upper;
  if (text == "SAME_LOWER") return Window::Padding::same_lower;
  if (text == "VALID") return Window::Padding::valid;
  throw_invalid(cat("auto_pad is ", visible(text)), node.described(), "NOTSET, SAME_UPPER, SAME_LOWER and VALID are known");
}

}  // namespace

Window read_window(const Node& node, std::size_t rank, const std::optional<Shape>& kernel) {
  if (rank < 1 || rank > 3) {
    throw_invalid(cat("it has ", rank, " spatial axes"), node.described(), "one to three are supported");
  }
  Window window;
  window.padding = read_padding(node);
  window.ceil_mode = node.integer("ceil_mode", 0) != 0;
  window.kernel = read_sizes(node, "kernel_shape", rank, -1, -1);
  if (node.integers("kernel_shape").empty()) {
    if (!kernel) throw_invalid("kernel_shape is missing", node.described());
    window.kernel = *kernel;
  } else if (kernel && !std::equal(kernel->begin(), kernel->end(), window.kernel.begin(), window.kernel.end(),
                                   [](std::int64_t a, std::int64_t b) { return a < 0 || a == b; })) {
    throw_invalid(cat("kernel_shape ", to_text(window.kernel), " is not the shape of the weights ", to_text(*kernel)), node.described());
  }
  for (const std::int64_t size : window.kernel) {
    if (size < 1 || size > largest) throw_invalid(cat("a window of ", to_text(window.kernel), " cannot be"), node.described());
  }
  window.stride = read_sizes(node, "strides", rank, 1, 1);
  window.dilation = read_sizes(node, "dilations", rank, 1, 1);
  const Shape pads = read_sizes(node, "pads", 2 * rank, 0, -largest);
  window.pad_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  window.pad_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad < 0; })) {
    throw_invalid(cat("pads ", to_text(pads), " are negative"), node.described());
  }
  return window;
}

WindowAxis place(const Window& window, std::size_t axis, std::int64_t input, const Node& node) {
  const std::int64_t stride = window.stride[axis];
  const std::int64_t extent = window.extent(axis);
  WindowAxis placed{0, 0, 0};
  if (window.padding == Window::Padding::same_upper || window.padding == Window::Padding::same_lower) {
    placed.output = (input + stride - 1) / stride;
    const std::int64_t total = std::max<std::int64_t>(0, (placed.output - 1) * stride + extent - input);
    placed.pad_begin = window.padding == Window::Padding::same_upper ? total / 2 : total - total / 2;
    placed.pad_end = total - placed.pad_begin;
    return placed;
  }
  if (window.padding == Window::Padding::given) {
    placed.pad_begin = window.pad_begin[axis];
    placed.pad_end = window.pad_end[axis];
  }
  const std::int64_t room = input + placed.pad_begin + placed.pad_end - extent;
  if (room < 0) {
    throw_invalid(cat("a window of ", extent, " does not fit into the padded size ", room + extent, " of spatial axis ", axis),
                  node.described());
  }
  placed.output = (window.ceil_mode ? (room + stride - 1) / stride : room / stride) + 1;
  // With ceil_mode the last window must still start inside the input or the padding in front of it.
  if (window.ceil_mode && (placed.output - 1) * stride >= input + placed.pad_begin) --placed.output;
  return placed;
}

Shape spatial_outputs(const Window& window, const Shape& input, const Node& node) {
  Shape outputs(window.rank(), -1);
  for (std::size_t axis = 0; axis < window.rank(); ++axis) {
    if (input[axis + 2] >= 0) outputs[axis] = place(window, axis, input[axis + 2], node).output;
  }
  return outputs;
}

kernels::Sizes3 three(const Shape& sizes, std::int64_t filler) {
  kernels::Sizes3 result{filler, filler, filler};
  std::copy(sizes.begin(), sizes.end(), result.end() - static_cast<std::ptrdiff_t>(sizes.size()));
  return result;
}

}  // namespace titrate::engine::ops
