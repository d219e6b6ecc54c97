// ConvTranspose, 1-D to 3-D: every input sample adds its filter to the output around it. float32: one matrix product gives all
// contributions, which are then added up; float64 takes plain loops.
#include <algorithm>
#include <memory>

#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine::ops {
namespace {

struct TransposedAxis {
  std::int64_t pad_begin;
  std::int64_t output;
};

Shape extra_sizes(const Node& node, std::string_view name, std::size_t rank) {
  Shape sizes = node.integers(name);
  if (!sizes.empty() && sizes.size() == rank + 2) sizes.erase(sizes.begin(), sizes.begin() + 2);  // some exporters write the whole shape
  if (!sizes.empty() && sizes.size() != rank) throw_invalid(cat(name, " has ", sizes.size(), " numbers, not ", rank), node.described());
  for (const std::int64_t size : sizes) {
    if (size < 0 || size > (std::int64_t{1} << 31)) throw_invalid(cat(name, " holds ", size), node.described());
  }
  return sizes;
}

// ONNX: total padding = stride * (input - 1) + output_padding + extent - output, of which SAME_UPPER puts the smaller half in front and
// everything else the larger.
TransposedAxis place_transposed(const Window& window, std::size_t axis, std::int64_t input, const Node& node) {
  const Shape output_padding = extra_sizes(node, "output_padding", window.rank());
  const Shape output_shape = extra_sizes(node, "output_shape", window.rank());
  const std::int64_t full = window.stride[axis] * (input - 1) + (output_padding.empty() ? 0 : output_padding[axis]) + window.extent(axis);
  const bool same = window.padding == Window::Padding::same_upper || window.padding == Window::Padding::same_lower;
  if (output_shape.empty() && !same) {
    const bool padded = window.padding == Window::Padding::given;
    const std::int64_t output = full - (padded ? window.pad_begin[axis] + window.pad_end[axis] : 0);
    if (output < 1) throw_invalid(cat("spatial axis ", axis, " would have the size ", output), node.described());
    return {padded ? window.pad_begin[axis] : 0, output};
  }
  const std::int64_t output = output_shape.empty() ? input * window.stride[axis] : output_shape[axis];
  const std::int64_t total = std::max<std::int64_t>(0, full - output);
  return {window.padding == Window::Padding::same_upper ? total / 2 : total - total / 2, output};
}

std::optional<Shape> kernel_of(const Shape* weights) {
  if (weights == nullptr) return std::nullopt;
  return Shape(weights->begin() + 2, weights->end());
}

void check(const InferRequest& request, const Shape& input, const Shape& weights) {
  const std::int64_t groups = request.node.integer("group", 1);
  if (groups < 1) request.refuse(cat("group is ", groups));
  if (input.size() < 3 || input.size() != weights.size()) {
    request.refuse(cat("input ", to_text(input), " and weights ", to_text(weights), " do not go together"));
  }
  if (input[1] >= 0 && weights[0] >= 0 && (input[1] != weights[0] || input[1] % groups != 0)) {
    request.refuse(cat("the input has ", input[1], " channels, the weights are for ", weights[0], " in ", groups, " groups"));
  }
  if (const Shape* bias = request.shape(2)) {
    const bool known = bias->size() == 1 && (*bias)[0] >= 0 && weights[1] >= 0;
    if (bias->size() != 1 || (known && (groups > (*bias)[0] || (*bias)[0] / groups != weights[1] || (*bias)[0] % groups != 0))) {
      request.refuse(cat("the bias ", to_text(*bias), " is not one number a filter"));
    }
  }
}

std::vector<OutputType> infer_transpose(const InferRequest& request) {
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  const Shape* input = request.shape(0);
  const Shape* weights = request.shape(1);
  if (input == nullptr || weights == nullptr) return {output};
  check(request, *input, *weights);
  output.shape = Shape(input->size(), -1);
  (*output.shape)[0] = (*input)[0];
  if ((*weights)[1] >= 0) (*output.shape)[1] = element_count(Shape{(*weights)[1], request.node.integer("group", 1)});
  const std::optional<Shape> kernel = kernel_of(weights);
  if (std::any_of(kernel->begin(), kernel->end(), [](std::int64_t size) { return size < 0; })) return {output};
  const Window window = read_window(request.node, input->size() - 2, kernel);
  for (std::size_t axis = 0; axis < window.rank(); ++axis) {
    if ((*input)[axis + 2] >= 0) (*output.shape)[axis + 2] = place_transposed(window, axis, (*input)[axis + 2], request.node).output;
  }
  return {output};
}

// The mirror image of a convolution: `input` is spread over `output`.
kernels::ConvolutionGeometry geometry_of(const Node& node, const Shape& input, const Shape& weights, const Shape& output) {
  const Window window = read_window(node, input.size() - 2, Shape(weights.begin() + 2, weights.end()));
  kernels::ConvolutionGeometry geometry;
  geometry.batch = input[0];
  geometry.groups = node.integer("group", 1);
  geometry.channels = weights[0] / geometry.groups;
  geometry.filters = weights[1];
  geometry.input = three(Shape(input.begin() + 2, input.end()));
  geometry.kernel = three(window.kernel);
  geometry.output = three(Shape(output.begin() + 2, output.end()));
  geometry.stride = three(window.stride);
  geometry.dilation = three(window.dilation);
  Shape pad;
  for (std::size_t axis = 0; axis < window.rank(); ++axis) pad.push_back(place_transposed(window, axis, input[axis + 2], node).pad_begin);
  geometry.pad = three(pad, 0);
  return geometry;
}

// Adds value(at input position) for one filter and one tap to the output plane.
template <class T, class Value>
void spread_tap(const kernels::ConvolutionGeometry& geometry, std::int64_t tap, T* plane, const Value& value) {
  const kernels::Sizes3 position{tap / (geometry.kernel[1] * geometry.kernel[2]), tap / geometry.kernel[2] % geometry.kernel[1],
                                 tap % geometry.kernel[2]};
  const auto target = [&](std::size_t axis, std::int64_t at) {
    return at * geometry.stride[axis] + position[axis] * geometry.dilation[axis] - geometry.pad[axis];
  };
  for (std::int64_t d = 0; d < geometry.input[0]; ++d) {
    const std::int64_t out_d = target(0, d);
    if (out_d < 0 || out_d >= geometry.output[0]) continue;
    for (std::int64_t h = 0; h < geometry.input[1]; ++h) {
      const std::int64_t out_h = target(1, h);
      if (out_h < 0 || out_h >= geometry.output[1]) continue;
      T* row = plane + (out_d * geometry.output[1] + out_h) * geometry.output[2];
      for (std::int64_t w = 0; w < geometry.input[2]; ++w) {
        const std::int64_t out_w = target(2, w);
        if (out_w >= 0 && out_w < geometry.output[2]) row[out_w] += value((d * geometry.input[1] + h) * geometry.input[2] + w);
      }
    }
  }
}

template <class T>
void start_from_bias(const kernels::ConvolutionGeometry& geometry, const Tensor* bias, T* output) {
  const std::int64_t filters = geometry.groups * geometry.filters;
  for (std::int64_t plane = 0; plane < geometry.batch * filters; ++plane) {
    const T start = bias == nullptr ? T{0} : bias->data<T>()[static_cast<std::size_t>(plane % filters)];
    std::fill_n(output + plane * geometry.output_size(), geometry.output_size(), start);
  }
}

// For each group the filters as rows (filter, tap) of a left matrix over the channels.
struct PackedTransposed {
  std::vector<float> rows;
  PackedTransposed(const kernels::SgemmKernels& sgemm, const Tensor& weights, std::int64_t groups)
      : rows(static_cast<std::size_t>(weights.elements())) {
    const auto channels = static_cast<std::size_t>(weights.shape()[0] / groups);
    const std::size_t count = channels == 0 ? 0 : rows.size() / (channels * static_cast<std::size_t>(groups));
    for (std::size_t group = 0; group < static_cast<std::size_t>(groups); ++group) {
      const std::size_t first = group * channels * count;
      kernels::pack_rows(sgemm, {weights.data<float>().data() + first, count, channels, 1, count}, rows.data() + first);
    }
  }
};

void run_float(const kernels::SgemmKernels& sgemm, const Node& node, const PackedTransposed* constant, RunContext& run) {
  if (run.out().elements() == 0) return;
  const auto geometry = geometry_of(node, run.in(0).shape(), run.in(1).shape(), run.out().shape());
  float* output = run.out().mutable_data<float>().data();
  start_from_bias<float>(geometry, run.has(2) ? &run.in(2) : nullptr, output);
  if (run.in(0).elements() == 0 || run.in(1).elements() == 0) return;
  std::optional<PackedTransposed> now;
  if (constant == nullptr) constant = &now.emplace(sgemm, run.in(1), geometry.groups);
  const auto channels = static_cast<std::size_t>(geometry.channels);
  const auto rows = static_cast<std::size_t>(geometry.filters * geometry.taps());
  const auto samples = static_cast<std::size_t>(geometry.input_size());
  const auto packed = run.scratch.floats(kernels::packed_columns_size(sgemm, channels, samples), 0);
  const auto sums = run.scratch.floats(rows * samples, 1);
  for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
    const float* image = run.in(0).data<float>().data() + static_cast<std::size_t>(pair) * channels * samples;
    kernels::pack_columns(sgemm, {image, channels, samples, samples, 1}, packed.data());
    kernels::multiply(sgemm, {.rows = rows,
                              .columns = samples,
                              .depth = channels,
                              .a = constant->rows.data() + static_cast<std::size_t>(pair % geometry.groups) * rows * channels,
                              .b = packed.data(),
                              .c = sums.data(),
                              .c_stride = samples});
    for (std::int64_t filter = 0; filter < geometry.filters; ++filter) {
      float* plane = output + (pair * geometry.filters + filter) * geometry.output_size();
      for (std::int64_t tap = 0; tap < geometry.taps(); ++tap) {
        const float* row = sums.data() + static_cast<std::size_t>(filter * geometry.taps() + tap) * samples;
        spread_tap(geometry, tap, plane, [row](std::int64_t at) { return row[at]; });
      }
    }
  }
}

Step prepare_float(const PrepareRequest& request) {
  const kernels::SgemmKernels& sgemm = kernels::sgemm_kernels(selected_isa());
  std::shared_ptr<const PackedTransposed> packed;
  const std::int64_t groups = request.node.integer("group", 1);
  if (const Tensor* weights = request.constant(1); weights != nullptr && weights->elements() > 0) {
    packed = std::make_shared<PackedTransposed>(sgemm, *weights, groups);
  }
  return [&sgemm, packed, node = request.node](RunContext& run) { run_float(sgemm, node, packed.get(), run); };
}

Step prepare_double(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const auto geometry = geometry_of(node, run.in(0).shape(), run.in(1).shape(), run.out().shape());
    double* output = run.out().mutable_data<double>().data();
    start_from_bias<double>(geometry, run.has(2) ? &run.in(2) : nullptr, output);
    for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
      for (std::int64_t channel = 0; channel < geometry.channels; ++channel) {
        const double* image = run.in(0).data<double>().data() + (pair * geometry.channels + channel) * geometry.input_size();
        const std::int64_t row = (pair % geometry.groups * geometry.channels + channel) * geometry.filters;
        for (std::int64_t filter = 0; filter < geometry.filters; ++filter) {
          const double* weights = run.in(1).data<double>().data() + (row + filter) * geometry.taps();
          double* plane = output + (pair * geometry.filters + filter) * geometry.output_size();
          for (std::int64_t tap = 0; tap < geometry.taps(); ++tap) {
            spread_tap(geometry, tap, plane, [&](std::int64_t at) { return image[at] * weights[tap]; });
          }
        }
      }
    }
  };
}

Step prepare_transpose(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return prepare_float(request);
    case DataType::float64:
      return prepare_double(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, prepare_float);
    default:
      request.refuse(cat("ConvTranspose of ", name_of(request.type(0)), " is not supported"));
  }
}

constexpr OperatorDefinition rows[] = {
    {.type = "ConvTranspose", .least_inputs = 2, .most_inputs = 3, .infer = infer_transpose, .prepare = prepare_transpose},
};

}  // namespace

Family convolution_transpose() { return rows; }

}  // namespace titrate::engine::ops
