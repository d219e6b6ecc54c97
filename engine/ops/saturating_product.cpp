#include "engine/ops/saturating_product.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/kernels/requantize/requantize.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/convolution_shape.hpp"
#include "engine/ops/integer_product.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t none = ProductInputs::none;
constexpr ProductInputs convolution_inputs{
    .a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7, .addend = 8};
constexpr ProductInputs matmul_inputs{.a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7};
constexpr ProductInputs gemm_inputs{
    .a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 7, .y_zero = 8, .addend = 6};
constexpr ProductInputs to_float_inputs{
    .a = 0, .a_scale = 2, .a_zero = 4, .b = 1, .b_scale = 3, .b_zero = 5, .y_scale = none, .y_zero = none, .bias = 6};

// The weights as one row of codes for each output channel, in the order in which the products are paired.
struct Weights {
  std::size_t channels = 0;
  std::size_t depth = 0;
  std::vector<std::int8_t> codes;   // [channels, depth]
  std::vector<std::uint32_t> sums;  // of the codes of a channel, modulo 2^32

  [[nodiscard]] const std::int8_t* row(std::size_t channel) const { return codes.data() + channel * depth; }
  void add_up() {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      std::uint32_t sum = 0;
      for (std::size_t k = 0; k < depth; ++k) sum += static_cast<std::uint32_t>(row(channel)[k]);
      sums.push_back(sum);
    }
  }
};

// [M, C/g, k ...] as [M, k ..., C/g]: a runtime gathers the channels of a pixel together.
Weights convolution_weights(const Tensor& tensor) {
  Weights weights{.channels = static_cast<std::size_t>(tensor.shape()[0]), .depth = 0, .codes = {}, .sums = {}};
  const auto group = static_cast<std::size_t>(tensor.shape()[1]);
  weights.depth = static_cast<std::size_t>(tensor.elements()) / std::max<std::size_t>(1, weights.channels);
  const std::size_t taps = weights.depth / std::max<std::size_t>(1, group);
  weights.codes.resize(weights.channels * weights.depth);
  const auto codes = tensor.data<std::int8_t>();
  for (std::size_t channel = 0; channel < weights.channels; ++channel) {
    for (std::size_t c = 0; c < group; ++c) {
      for (std::size_t tap = 0; tap < taps; ++tap)
        weights.codes[channel * weights.depth + tap * group + c] = codes[(channel * group + c) * taps + tap];
    }
  }
  weights.add_up();
  return weights;
}

Weights matrix_weights(const Tensor& tensor, bool transposed) {
  const auto rows = static_cast<std::size_t>(tensor.shape()[0]);
  const auto columns = static_cast<std::size_t>(tensor.shape()[1]);
  Weights weights{.channels = transposed ? rows : columns, .depth = transposed ? columns : rows, .codes = {}, .sums = {}};
  weights.codes.resize(rows * columns);
  const auto codes = tensor.data<std::int8_t>();
  for (std::size_t channel = 0; channel < weights.channels; ++channel) {
    for (std::size_t k = 0; k < weights.depth; ++k)
      weights.codes[channel * weights.depth + k] = codes[transposed ? channel * columns + k : k * columns + channel];
  }
  weights.add_up();
  return weights;
}

// vpmaddubsw adds neighbours in 16 bits; what follows is exact, modulo 2^32.
std::uint32_t saturated_sum(const std::uint8_t* a, const std::int8_t* b, std::size_t depth) {
  std::uint32_t sum = 0;
  std::size_t k = 0;
  for (; k + 1 < depth; k += 2) sum += static_cast<std::uint32_t>(std::clamp(a[k] * b[k] + a[k + 1] * b[k + 1], -32768, 32767));
  return k < depth ? sum + static_cast<std::uint32_t>(a[k] * b[k]) : sum;
}

// int8 codes become uint8 with a zero point that is 128 higher, as ONNX Runtime does.
std::uint8_t unsigned_code(std::uint8_t bits, bool is_signed) { return is_signed ? static_cast<std::uint8_t>(bits ^ 0x80U) : bits; }

void check_count(std::size_t count, std::size_t channels) {
  if (count != 1 && count != channels) throw_invalid(cat("there are ", count, " scales or zero points for ", channels, " channels"));
}

struct Parameters {
  std::int32_t a_zero = 0;
  std::vector<std::int32_t> b_zeros;   // by channel
  std::vector<float> multipliers;      // by channel
  std::optional<std::int32_t> y_zero;  // none: float output
  const float* bias = nullptr;         // by channel, of float outputs

  Parameters(const RunContext& run, const ProductInputs& inputs, std::size_t channels) {
    const bool is_signed = run.in(inputs.a).type() == DataType::int8;
    a_zero = (run.has(inputs.a_zero) ? code_at(run.in(inputs.a_zero), 0) : 0) + (is_signed ? 128 : 0);
    const float a_scale = scales_of(run.in(inputs.a_scale)).at(0);
    const std::vector<float> b_scales = scales_of(run.in(inputs.b_scale));
    const Tensor* zeros = run.has(inputs.b_zero) ? &run.in(inputs.b_zero) : nullptr;
    check_count(b_scales.size(), channels);
    if (zeros != nullptr) check_count(static_cast<std::size_t>(zeros->elements()), channels);
    const bool quantized = run.has(inputs.y_scale);
    const float y_scale = quantized ? scales_of(run.in(inputs.y_scale)).at(0) : 1.0F;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const float product = a_scale * b_scales[b_scales.size() == 1 ? 0 : channel];
      multipliers.push_back(quantized ? product / y_scale : product);
      b_zeros.push_back(zeros == nullptr ? 0 : code_at(*zeros, zeros->elements() == 1 ? 0 : channel));
    }
    if (quantized) y_zero = code_at(run.in(inputs.y_zero), 0);
    if (run.has(inputs.bias)) bias = run.in(inputs.bias).data<float>().data();
  }
};

// One row of `a` against the channels [first, first + count) of the weights, finished into `sums`. Sums of absurd depth wrap around.
void multiply_row(const std::vector<std::uint8_t>& a, const Weights& weights, const Parameters& parameters, std::size_t first,
                  std::size_t count, const std::int32_t* addend, std::int32_t* sums) {
  const auto wrapped = [](std::int32_t number) { return static_cast<std::uint32_t>(number); };
  std::uint32_t total = 0;
  for (const std::uint8_t code : a) total += code;
  const std::uint32_t zeros = static_cast<std::uint32_t>(weights.depth) * wrapped(parameters.a_zero);
  for (std::size_t index = 0; index < count; ++index) {
    const std::size_t channel = first + index;
    std::uint32_t sum = saturated_sum(a.data(), weights.row(channel), weights.depth);
    sum -= wrapped(parameters.a_zero) * weights.sums[channel] + wrapped(parameters.b_zeros[channel]) * (total - zeros);
    sums[index] = static_cast<std::int32_t>(sum + (addend == nullptr ? 0U : wrapped(addend[channel])));
  }
}

// Codes or floats of a row of sums, channel by channel into `codes` or `numbers`.
void finish_row(const std::vector<std::int32_t>& sums, const Parameters& parameters, std::size_t first, DataType type,
                std::vector<std::uint8_t>& codes, float* numbers) {
  const kernels::RequantizeKernels& kernels = kernels::requantize_kernels(selected_isa());
  const float* multipliers = parameters.multipliers.data() + first;
  if (type == DataType::float32) {
    kernels.to_float(sums.data(), multipliers, parameters.bias, numbers, sums.size());
  } else if (type == DataType::uint8) {
    kernels.to_u8(sums.data(), multipliers, *parameters.y_zero, codes.data(), sums.size());
  } else {
    kernels.to_s8(sums.data(), multipliers, *parameters.y_zero, reinterpret_cast<std::int8_t*>(codes.data()), sums.size());
  }
}

// --- matrix products

void run_product(RunContext& run, const ProductInputs& inputs, const Weights& weights, bool transpose_a) {
  if (run.out().elements() == 0) return;
  const Tensor& a = run.in(inputs.a);
  const Parameters parameters(run, inputs, weights.channels);
  const std::size_t rows = static_cast<std::size_t>(run.out().elements()) / weights.channels;
  const bool is_signed = a.type() == DataType::int8;
  const auto bits = a.bits<std::uint8_t>();
  const Tensor* addend = run.has(inputs.addend) ? &run.in(inputs.addend) : nullptr;
  const bool is_row = addend != nullptr && addend->elements() == static_cast<std::int64_t>(weights.channels);
  if (addend != nullptr && !is_row) throw_invalid("C is not one number a column", "titrate.saturating.QGemm");
  const DataType type = run.out().type();
  auto* numbers = type == DataType::float32 ? run.out().mutable_data<float>().data() : nullptr;
  auto* codes = type == DataType::float32 ? nullptr : run.out().mutable_bits<std::uint8_t>().data();
  const std::int32_t* added = addend == nullptr ? nullptr : addend->data<std::int32_t>().data();
  kernels::parallel_for(rows, [&](std::size_t row, std::size_t) {
    std::vector<std::uint8_t> left(weights.depth);
    for (std::size_t k = 0; k < weights.depth; ++k)
      left[k] = unsigned_code(bits[transpose_a ? k * rows + row : row * weights.depth + k], is_signed);
    std::vector<std::int32_t> sums(weights.channels);
    std::vector<std::uint8_t> finished(weights.channels);
    multiply_row(left, weights, parameters, 0, weights.channels, added, sums.data());
    finish_row(sums, parameters, 0, type, finished, numbers == nullptr ? nullptr : numbers + row * weights.channels);
    if (codes != nullptr) std::copy(finished.begin(), finished.end(), codes + row * weights.channels);
  });
}

const Tensor& constant_weights(const PrepareRequest& request, std::size_t index) {
  const Tensor* weights = request.constant(index);
  if (weights == nullptr || weights->type() != DataType::int8) request.refuse("its weights are not constant int8 codes");
  return *weights;
}

template <const ProductInputs& inputs>
Step prepare_product(const PrepareRequest& request) {
  const Tensor& tensor = constant_weights(request, inputs.b);
  if (tensor.rank() != 2) request.refuse("its weights are no matrix");
  const bool transpose_a = request.node.integer("transA", 0) != 0;
  auto weights = std::make_shared<const Weights>(matrix_weights(tensor, request.node.integer("transB", 0) != 0));
  return [weights, transpose_a](RunContext& run) { run_product(run, inputs, *weights, transpose_a); };
}

// --- convolution

// The codes under the window at one output pixel, in the order of the weights.
void gather(const kernels::ConvolutionGeometry& geometry, const std::uint8_t* image, std::int64_t pixel, std::uint8_t padding,
            std::vector<std::uint8_t>& row) {
  const std::int64_t w = pixel % geometry.output[2];
  const std::int64_t h = pixel / geometry.output[2] % geometry.output[1];
  const std::int64_t d = pixel / (geometry.output[2] * geometry.output[1]);
  std::size_t at = 0;
  for (std::int64_t kd = 0; kd < geometry.kernel[0]; ++kd) {
    for (std::int64_t kh = 0; kh < geometry.kernel[1]; ++kh) {
      for (std::int64_t kw = 0; kw < geometry.kernel[2]; ++kw) {
        const std::int64_t z = d * geometry.stride[0] - geometry.pad[0] + kd * geometry.dilation[0];
        const std::int64_t y = h * geometry.stride[1] - geometry.pad[1] + kh * geometry.dilation[1];
        const std::int64_t x = w * geometry.stride[2] - geometry.pad[2] + kw * geometry.dilation[2];
        const bool inside = z >= 0 && z < geometry.input[0] && y >= 0 && y < geometry.input[1] && x >= 0 && x < geometry.input[2];
        const std::int64_t place = (z * geometry.input[1] + y) * geometry.input[2] + x;
        for (std::int64_t c = 0; c < geometry.channels; ++c) row[at++] = inside ? image[c * geometry.input_size() + place] : padding;
      }
    }
  }
}

void run_convolution(RunContext& run, const Node& node, const Weights& weights) {
  if (run.out().elements() == 0) return;
  const Tensor& x = run.in(0);
  const Shape& w = run.in(3).shape();
  const Window window = read_window(node, w.size() - 2, Shape(w.begin() + 2, w.end()));
  const auto groups = static_cast<std::size_t>(node.integer("group", 1));
  const auto geometry = convolution_geometry(window, x.shape(), w, run.out().shape(), static_cast<std::int64_t>(groups), node);
  const Parameters parameters(run, convolution_inputs, weights.channels);
  const std::int32_t* bias = run.has(8) ? run.in(8).data<std::int32_t>().data() : nullptr;
  const bool is_signed = x.type() == DataType::int8;
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(x.elements()));
  std::ranges::transform(x.bits<std::uint8_t>(), codes.begin(), [&](std::uint8_t bits) { return unsigned_code(bits, is_signed); });
  const auto space = static_cast<std::size_t>(geometry.output_size());
  const std::size_t group_channels = weights.channels / groups;
  const std::size_t group_inputs = static_cast<std::size_t>(geometry.channels);
  auto* target = run.out().mutable_bits<std::uint8_t>().data();
  const std::size_t images = static_cast<std::size_t>(x.shape()[0]);
  kernels::parallel_for(images * groups * space, [&](std::size_t index, std::size_t) {
    const std::size_t pixel = index % space;
    const std::size_t group = index / space % groups;
    const std::size_t image = index / (space * groups);
    std::vector<std::uint8_t> row(weights.depth);
    const std::size_t plane = (image * groups + group) * group_inputs;
    gather(geometry, codes.data() + plane * static_cast<std::size_t>(geometry.input_size()), static_cast<std::int64_t>(pixel),
           static_cast<std::uint8_t>(parameters.a_zero), row);
    std::vector<std::int32_t> sums(group_channels);
    std::vector<std::uint8_t> finished(group_channels);
    multiply_row(row, weights, parameters, group * group_channels, group_channels, bias, sums.data());
    finish_row(sums, parameters, group * group_channels, run.out().type(), finished, nullptr);
    for (std::size_t channel = 0; channel < group_channels; ++channel)
      target[(image * weights.channels + group * group_channels + channel) * space + pixel] = finished[channel];
  });
}

Step prepare_convolution(const PrepareRequest& request) {
  const Tensor& tensor = constant_weights(request, 3);
  if (tensor.rank() < 3) request.refuse("its weights have no window");
  auto weights = std::make_shared<const Weights>(convolution_weights(tensor));
  return [weights, node = request.node](RunContext& run) { run_convolution(run, node, *weights); };
}

// --- inference: as the operators that they stand for

std::vector<OutputType> infer_as(const InferRequest& request, std::string_view domain) {
  constexpr std::int64_t newest = 1000;
  const OperatorDefinition* row = find_operator(request.node.type, domain, newest);
  if (row == nullptr) throw Error(ErrorCode::internal, "no operator to infer as", request.node.described());
  return row->infer(request);
}
std::vector<OutputType> infer_onnx(const InferRequest& request) { return infer_as(request, ""); }
std::vector<OutputType> infer_microsoft(const InferRequest& request) { return infer_as(request, "com.microsoft"); }

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearConv",
     .domain = saturating_domain,
     .least_inputs = 8,
     .most_inputs = 9,
     .infer = infer_onnx,
     .prepare = prepare_convolution},
    {.type = "QLinearMatMul",
     .domain = saturating_domain,
     .least_inputs = 8,
     .most_inputs = 8,
     .infer = infer_onnx,
     .prepare = prepare_product<matmul_inputs>},
    {.type = "QGemm",
     .domain = saturating_domain,
     .least_inputs = 6,
     .most_inputs = 9,
     .infer = infer_microsoft,
     .prepare = prepare_product<gemm_inputs>},
    {.type = "MatMulIntegerToFloat",
     .domain = saturating_domain,
     .least_inputs = 4,
     .most_inputs = 7,
     .infer = infer_microsoft,
     .prepare = prepare_product<to_float_inputs>},
};

}  // namespace

Family saturating_product() { return rows; }

}  // namespace titrate::engine::ops
