// com.microsoft.QLinearAveragePool, QLinearGlobalAveragePool (channels first or last) and NhwcMaxPool (channels last) on 8-bit codes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/kernels/pooling_int8/pooling_int8.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/linear_code.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t scale_x = 1;
constexpr std::size_t scale_y = 3;

bool is_channels_last(const Node& node) { return node.integer("channels_last", 0) != 0; }

// Batch and channels in front, then the spatial sizes; and the other way round.
Shape channels_first(Shape shape, bool channels_last) {
  if (channels_last) std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
  return shape;
}

Shape as_given(Shape shape, bool channels_last) {
  if (channels_last) std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  return shape;
}

// --- windows

// The window on three axes, and how the elements of the image lie.
struct PoolGeometry {
  Window window;
  Shape input, output;  // spatial sizes, three of each
  Shape stride, dilation, kernel, pad;
  std::int64_t batch, channels;
  bool padded = false;

  PoolGeometry(const Node& node, const Shape& in, const Shape& out)
      : window(read_window(node, in.size() - 2, std::nullopt)), batch(in[0]), channels(in[1]) {
    const auto to_three = [](const Shape& sizes, std::int64_t filler) {
      const kernels::Sizes3 all = three(sizes, filler);
      return Shape(all.begin(), all.end());
    };
    Shape begin;
    for (std::size_t axis = 0; axis < window.rank(); ++axis) {
      const WindowAxis placed = place(window, axis, in[axis + 2], node);
      begin.push_back(placed.pad_begin);
      padded = padded || placed.pad_begin != 0 || placed.pad_end != 0;
    }
    input = to_three({in.begin() + 2, in.end()}, 1);
    output = to_three({out.begin() + 2, out.end()}, 1);
    kernel = to_three(window.kernel, 1);
    stride = to_three(window.stride, 1);
    dilation = to_three(window.dilation, 1);
    pad = to_three(begin, 0);
  }

  [[nodiscard]] std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// The window is the whole image.
  [[nodiscard]] bool global() const { return kernel == input && !padded; }
};

// The taps of an output along one axis that lie inside the image.
struct TapRange {
  std::int64_t first;  // position in the image
  std::int64_t count;
};

TapRange taps_inside(const PoolGeometry& geometry, std::size_t axis, std::int64_t output) {
  const std::int64_t start = output * geometry.stride[axis] - geometry.pad[axis];
  const std::int64_t step = geometry.dilation[axis];
  const std::int64_t skipped = start >= 0 ? 0 : std::min(geometry.kernel[axis], (-start + step - 1) / step);
  const std::int64_t room = geometry.input[axis] - start;  // taps below room / step lie before the end
  const std::int64_t end = room <= 0 ? 0 : std::min(geometry.kernel[axis], (room + step - 1) / step);
  return {start + skipped * step, std::max<std::int64_t>(0, end - skipped)};
}

// body(window, first tap, target, taps) for each output pixel of one image whose pixels lie `pixel` elements apart, in order.
template <class Code, class Body>
void for_each_pixel(const PoolGeometry& geometry, std::int64_t pixel, std::int64_t row, const Code* image, Code* target, const Body& body) {
  const std::int64_t steps[3] = {geometry.input[1] * geometry.input[2] * pixel, geometry.input[2] * pixel, pixel};
  const std::int64_t d = row / geometry.output[1];
  const std::int64_t h = row % geometry.output[1];
  const TapRange along_d = taps_inside(geometry, 0, d);
  const TapRange along_h = taps_inside(geometry, 1, h);
  for (std::int64_t w = 0; w < geometry.output[2]; ++w, target += pixel) {
    const TapRange along_w = taps_inside(geometry, 2, w);
    const kernels::PixelWindow window{{along_d.count, along_h.count, along_w.count},
                                      {geometry.dilation[0] * steps[0], geometry.dilation[1] * steps[1], geometry.dilation[2] * steps[2]}};
    const std::int64_t taps = along_d.count * along_h.count * along_w.count;
    const Code* first = taps == 0 ? image : image + along_d.first * steps[0] + along_h.first * steps[1] + along_w.first * steps[2];
    body(window, first, target, taps);
  }
}

// body as above for all output pixels; channels first is many images of one channel.
template <class Code, class Body>
void for_each_output(const PoolGeometry& geometry, bool channels_last, const RunContext& run, const Body& body) {
  const std::int64_t pixel = channels_last ? geometry.channels : 1;
  const std::int64_t images = channels_last ? geometry.batch : geometry.batch * geometry.channels;
  const std::int64_t input_size = element_count(geometry.input) * pixel;
  const std::int64_t output_size = element_count(geometry.output) * pixel;
  const std::int64_t rows = geometry.output[0] * geometry.output[1];
  const Code* input = run.in(0).data<Code>().data();
  Code* output = run.out().mutable_data<Code>().data();
  kernels::parallel_for(static_cast<std::size_t>(images * rows), [&](std::size_t index, std::size_t) {
    const std::int64_t image = static_cast<std::int64_t>(index) / rows;
    const std::int64_t row = static_cast<std::int64_t>(index) % rows;
    for_each_pixel(geometry, pixel, row, input + image * input_size, output + image * output_size + row * geometry.output[2] * pixel,
                   [&](const auto& window, const Code* first, Code* target, std::int64_t taps) {
                     body(window, first, target, static_cast<std::size_t>(pixel), taps);
                   });
  });
}

std::optional<Shape> pooled_shape(const InferRequest& request, bool channels_last) {
  const Shape* given = request.shape(0);
  if (given == nullptr) return std::nullopt;
  if (given->size() < 3) request.refuse(cat("the input ", to_text(*given), " has no spatial axes"));
  const Shape input = channels_first(*given, channels_last);
  Shape output = spatial_outputs(read_window(request.node, input.size() - 2, std::nullopt), input, request.node);
  output.insert(output.begin(), input.begin(), input.begin() + 2);
  return as_given(output, channels_last);
}

// --- NhwcMaxPool

std::vector<OutputType> infer_max(const InferRequest& request) {
  check_type(request, 0, code_types);
  return {{.type = request.type(0), .shape = pooled_shape(request, true)}};
}

Step prepare_max(const PrepareRequest& request) {
  const kernels::PoolingInt8Kernels& kernels = kernels::pooling_int8_kernels(selected_isa());
  return [&kernels, node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const PoolGeometry geometry(node, channels_first(run.in(0).shape(), true), channels_first(run.out().shape(), true));
    with_type(CodeTypes{}, run.in(0).type(), [&]<class Code>(TypeTag<Code>) {
      const auto largest = kernels.of<Code>().largest;
      for_each_output<Code>(geometry, true, run, [&](const auto& window, const Code* first, Code* target, std::size_t channels, auto) {
        largest(window, first, target, channels);
      });
    });
  };
}

// --- QLinearGlobalAveragePool: int32 sums, then as every requantization

// The sum of 2^23 codes still fits into int32.
void check_image_size(const InferRequest& request, const Shape& spatial) {
  std::int64_t pixels = 1;
  for (const std::int64_t size : spatial) {
    if (size < 0) return;
    pixels = multiply_sizes(request, pixels, size);
  }
  if (pixels < 1 || pixels >= 1 << 23) request.refuse(cat("an image of ", pixels, " pixels is not supported"));
}

std::vector<OutputType> infer_global_average(const InferRequest& request) {
  check_type(request, 0, code_types);
  check_linear_code(request, scale_x, request.type(0));
  check_linear_code(request, scale_y, request.type(0));
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (const Shape* given = request.shape(0)) {
    if (given->size() < 3) request.refuse(cat("the input ", to_text(*given), " has no spatial axes"));
    const bool channels_last = is_channels_last(request.node);
    Shape shape = channels_first(*given, channels_last);
    check_image_size(request, {shape.begin() + 2, shape.end()});
    std::fill(shape.begin() + 2, shape.end(), 1);
    output.shape = as_given(shape, channels_last);
  }
  return {output};
}

template <class Code>
Code requantized(std::int32_t sum, float multiplier, std::int32_t zero_point) {
  const auto low = static_cast<float>(std::numeric_limits<Code>::lowest() - zero_point);
  const auto high = static_cast<float>(std::numeric_limits<Code>::max() - zero_point);
  return static_cast<Code>(static_cast<std::int32_t>(std::nearbyint(std::clamp(static_cast<float>(sum) * multiplier, low, high))) +
                           zero_point);
}

template <class Code>
void global_average(const kernels::PixelKernels<Code>& kernels, const LinearCode& x, const LinearCode& y, bool channels_last,
                    RunContext& run) {
  const Shape shape = channels_first(run.in(0).shape(), channels_last);
  const auto pixels = static_cast<std::size_t>(element_count({shape.begin() + 2, shape.end()}));
  const std::size_t channels = channels_last ? static_cast<std::size_t>(shape[1]) : 1;
  const auto images = static_cast<std::size_t>(run.out().elements()) / std::max<std::size_t>(channels, 1);
  const float multiplier = x.scale / (y.scale * static_cast<float>(pixels));
  const std::int32_t offset = x.zero_point * static_cast<std::int32_t>(pixels);
  const Code* input = run.in(0).data<Code>().data();
  Code* output = run.out().mutable_data<Code>().data();
  kernels::parallel_for(images, [&](std::size_t image, std::size_t) {
    std::vector<std::int32_t> sums(channels);
    kernels.sum(input + image * pixels * channels, pixels, channels, sums.data());
    for (std::size_t c = 0; c < channels; ++c) {
      output[image * channels + c] = requantized<Code>(sums[c] - offset, multiplier, y.zero_point);
    }
  });
}

Step prepare_global_average(const PrepareRequest& request) {
  const kernels::PoolingInt8Kernels& kernels = kernels::pooling_int8_kernels(selected_isa());
  return [&kernels, x = LinearCodeInput(request, scale_x), y = LinearCodeInput(request, scale_y),
          channels_last = is_channels_last(request.node)](RunContext& run) {
    if (run.out().elements() == 0) return;
    with_type(CodeTypes{}, run.in(0).type(),
              [&]<class Code>(TypeTag<Code>) { global_average(kernels.of<Code>(), x(run), y(run), channels_last, run); });
  };
}

// --- QLinearAveragePool: float32 averages; a window that is the whole image goes the way of the global form, as in ONNX Runtime

std::vector<OutputType> infer_average(const InferRequest& request) {
  check_type(request, 0, code_types);
  check_linear_code(request, scale_x, request.type(0));
  check_linear_code(request, scale_y, request.type(0));
  if (!request.node.integers("dilations").empty()) request.refuse("attribute 'dilations' is not part of it");
  return {{.type = request.type(0), .shape = pooled_shape(request, is_channels_last(request.node))}};
}

Step prepare_average(const PrepareRequest& request) {
  const kernels::PoolingInt8Kernels& kernels = kernels::pooling_int8_kernels(selected_isa());
  return [&kernels, node = request.node, x = LinearCodeInput(request, scale_x), y = LinearCodeInput(request, scale_y),
          channels_last = is_channels_last(request.node),
          with_padding = request.node.integer("count_include_pad", 0) != 0](RunContext& run) {
    if (run.out().elements() == 0) return;
    const PoolGeometry geometry(node, channels_first(run.in(0).shape(), channels_last), channels_first(run.out().shape(), channels_last));
    const LinearCode from = x(run);
    const LinearCode to = y(run);
    with_type(CodeTypes{}, run.in(0).type(), [&]<class Code>(TypeTag<Code>) {
      if (geometry.global()) return global_average(kernels.of<Code>(), from, to, channels_last, run);
      const auto average = kernels.of<Code>().average;
      for_each_output<Code>(
          geometry, channels_last, run,
          [&](const auto& window, const Code* first, Code* target, std::size_t channels, std::int64_t inside) {
            // ONNX Runtime divides by the whole window, even where ceil_mode lets it reach behind the padding.
            const std::int64_t taps = with_padding ? geometry.taps() : inside;
            average(window, {from.scale, from.zero_point, static_cast<float>(taps), to.scale, to.zero_point}, first, target, channels);
          });
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "NhwcMaxPool", .domain = "com.microsoft", .infer = infer_max, .prepare = prepare_max},
    {.type = "QLinearAveragePool",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 5,
     .infer = infer_average,
     .prepare = prepare_average},
    {.type = "QLinearGlobalAveragePool",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 5,
     .infer = infer_global_average,
     .prepare = prepare_global_average},
};

}  // namespace

Family quantized_pooling() { return rows; }

}  // namespace titrate::engine::ops
