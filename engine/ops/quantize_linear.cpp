// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. One scale for the tensor, for each slice of an axis, or for each block along it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>

#include "engine/base/float16.hpp"
#include "engine/base/float8.hpp"
#include "engine/kernels/float8/float8.hpp"
#include "engine/kernels/minmax/minmax.hpp"
#include "engine/kernels/quantize/quantize.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/sub_byte.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

// --- which elements share a scale

// A tensor seen as [outer, axis, inner]; element (o, a, i) has scale 0, a, or (o, a / block, i).
struct Grain {
  enum class Kind { tensor, axis, block };
  Kind kind;
  std::int64_t outer, size, inner, block;

  [[nodiscard]] std::int64_t blocks() const { return (size + block - 1) / block; }
  /// Elements that lie next to each other and share a scale.
  [[nodiscard]] std::int64_t run() const {
    if (kind == Kind::tensor) return outer * size * inner;
    if (kind == Kind::axis) return inner;
    return inner == 1 ? block : 1;
  }
};

std::int64_t block_size_of(const Node& node, std::int64_t opset) {
  const std::int64_t block = opset >= 21 ? node.integer("block_size", 0) : 0;
  if (block < 0) throw_invalid(cat("block_size is ", block), node.described());
  return block;
}

Grain grain_of(const Shape& shape, const Shape& scale, const Node& node, std::int64_t opset) {
  const std::int64_t block = block_size_of(node, opset);
  const auto rank = static_cast<std::int64_t>(shape.size());
  const bool scalar = scale.empty() || (scale.size() == 1 && scale[0] == 1);
  if (block == 0 && scalar && (scale.empty() || rank != 1 || shape[0] != 1)) return {Grain::Kind::tensor, 1, element_count(shape), 1, 1};
  std::int64_t axis = node.integer("axis", 1);
  if (rank == 1 && axis == 1) axis = 0;  // the default axis of a vector
  if (axis < -rank || axis >= rank) throw_invalid(cat("axis ", axis, " is outside the rank ", rank), node.described());
  if (axis < 0) axis += rank;
  const auto at = shape.begin() + axis;
  Grain grain{block == 0 ? Grain::Kind::axis : Grain::Kind::block, element_count(Shape(shape.begin(), at)), *at,
              element_count(Shape(at + 1, shape.end())), std::max<std::int64_t>(block, 1)};
  if (block == 0) {
    if (scale.size() != 1 || scale[0] != grain.size) {
      throw_invalid(cat("scale ", to_text(scale), " is neither one number nor one for each of ", grain.size, " on axis ", axis),
                    node.described());
    }
    return grain;
  }
  Shape wanted = shape;
  wanted[static_cast<std::size_t>(axis)] = grain.blocks();
  if (scale != wanted) {
    throw_invalid(cat("scale ", to_text(scale), " should be ", to_text(wanted), " for blocks of ", block, " on axis ", axis),
                  node.described());
  }
  return grain;
}

// body(first element, count, index of the scale) for all runs, in parallel. Only runs that start on a whole byte of any sub-byte type are
// safe to write concurrently, so callers write whole elements of at least a byte.
template <class Body>
void for_each_run(const Grain& grain, const Body& body) {
  if (grain.kind == Grain::Kind::tensor) {
    constexpr std::int64_t piece = 1 << 15;  // elements: enough work for a thread
    const std::int64_t all = grain.run();
    kernels::parallel_for(static_cast<std::size_t>((all + piece - 1) / piece), [&](std::size_t index, std::size_t) {
      const std::int64_t first = static_cast<std::int64_t>(index) * piece;
      body(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(piece, all - first)), std::size_t{0});
    });
    return;
  }
  const bool by_axis = grain.kind == Grain::Kind::axis;
  const std::int64_t run = std::max<std::int64_t>(grain.run(), 1);
  kernels::parallel_for(static_cast<std::size_t>(grain.outer), [&](std::size_t index, std::size_t) {
    const auto outer = static_cast<std::int64_t>(index);
    const std::int64_t slice = grain.size * grain.inner;
    // An axis of length 1 inside a block: its elements step through a, those of the inner axes through i.
    for (std::int64_t first = 0; first < slice;) {
      const std::int64_t a = first / grain.inner;
      const std::int64_t i = first % grain.inner;
      const std::int64_t count = std::min(run, slice - first);
      const std::int64_t scale = by_axis ? a : (outer * grain.blocks() + a / grain.block) * grain.inner + i;
      body(static_cast<std::size_t>(outer * slice + first), static_cast<std::size_t>(count), static_cast<std::size_t>(scale));
      first += count;
    }
  });
}

// Blocks along an axis that is not the last: neighbours have scales of their own, which are neighbours too.
bool is_interleaved(const Grain& grain) { return grain.kind == Grain::Kind::block && grain.inner > 1; }

// body(first element, first scale, count) for the rows of neighbours of such a grain, in parallel.
template <class Body>
void for_each_interleaved_row(const Grain& grain, const Body& body) {
  kernels::parallel_for(static_cast<std::size_t>(grain.outer * grain.size), [&](std::size_t row, std::size_t) {
    const auto index = static_cast<std::int64_t>(row);
    const std::int64_t scale = (index / grain.size * grain.blocks() + index % grain.size / grain.block) * grain.inner;
    body(row * static_cast<std::size_t>(grain.inner), static_cast<std::size_t>(scale), static_cast<std::size_t>(grain.inner));
  });
}

Grain whole(const Tensor& tensor) { return {Grain::Kind::tensor, 1, tensor.elements(), 1, 1}; }

// --- parameters

const SmallFloat* small_float_of(DataType type) {
  switch (type) {
    case DataType::float8e4m3fn:
      return &float8e4m3fn;
    case DataType::float8e4m3fnuz:
      return &float8e4m3fnuz;
    case DataType::float8e5m2:
      return &float8e5m2;
    case DataType::float8e5m2fnuz:
      return &float8e5m2fnuz;
    case DataType::float4e2m1:
      return &float4e2m1;
    default:
      return nullptr;
  }
}

struct Parameters {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;  // empty: zero
  [[nodiscard]] std::int32_t zero_point(std::size_t index) const { return zero_points.empty() ? 0 : zero_points[index]; }
  [[nodiscard]] bool is_symmetric() const {
    return std::all_of(zero_points.begin(), zero_points.end(), [](std::int32_t zero_point) { return zero_point == 0; });
  }
};

std::vector<float> read_scales(const Tensor& scale) {
  std::vector<float> scales;
  if (scale.type() == DataType::float8e8m0) {  // 2^(code - 127); 255 is NaN
    for (const std::uint8_t code : scale.bits<std::uint8_t>()) scales.push_back(code == 255 ? std::nanf("") : std::ldexp(1.0F, code - 127));
    return scales;
  }
  if (scale.type() == DataType::float32) return {scale.data<float>().begin(), scale.data<float>().end()};
  for (const double number : to_doubles(scale)) scales.push_back(static_cast<float>(number));
  return scales;
}

std::shared_ptr<const Parameters> read_parameters(const Tensor& scale, const Tensor* zero_point) {
  auto parameters = std::make_shared<Parameters>();
  parameters->scales = read_scales(scale);
  if (zero_point != nullptr && is_integer(zero_point->type())) {
    for (const double number : to_doubles(*zero_point)) parameters->zero_points.push_back(static_cast<std::int32_t>(number));
  }
  return parameters;
}

// Those of constant inputs 1 and 2, read once; null where they are computed.
std::shared_ptr<const Parameters> constant_parameters(const PrepareRequest& request) {
  const Tensor* scale = request.constant(1);
  if (scale == nullptr || (request.has(2) && request.constant(2) == nullptr)) return nullptr;
  return read_parameters(*scale, request.constant(2));
}

std::shared_ptr<const Parameters> parameters_of(const RunContext& run, const std::shared_ptr<const Parameters>& constant) {
  return constant ? constant : read_parameters(run.in(1), run.has(2) ? &run.in(2) : nullptr);
}

// --- inference

void check_parameters(const InferRequest& request, DataType codes) {
  const Shape* scale = request.shape(1);
  const Shape* zero_point = request.shape(2);
  if (request.has(2) && request.type(2) != DataType::undefined && codes != DataType::undefined && request.type(2) != codes) {
    request.refuse(cat("the zero point is ", name_of(request.type(2)), ", the codes are ", name_of(codes)));
  }
  const auto known = [](const Shape* shape) {
    return shape != nullptr && std::all_of(shape->begin(), shape->end(), [](std::int64_t size) { return size >= 0; });
  };
  if (known(scale) && known(zero_point) && element_count(*scale) != element_count(*zero_point)) {
    request.refuse(cat("zero point ", to_text(*zero_point), " and scale ", to_text(*scale), " differ in shape"));
  }
  if (known(scale) && known(request.shape(0))) (void)grain_of(*request.shape(0), *scale, request.node, request.opset);
}

DataType type_attribute(const Node& node, std::string_view name) { return static_cast<DataType>(node.integer(name, 0)); }

bool is_code(DataType type) { return small_float_of(type) != nullptr || (is_integer(type) && bits_of(type) <= 16); }

std::vector<OutputType> infer_quantize(const InferRequest& request) {
  const DataType wanted = request.opset >= 21 ? type_attribute(request.node, "output_dtype") : DataType::undefined;
  DataType codes = request.has(2) ? request.type(2) : wanted;
  if (!request.has(2) && wanted == DataType::undefined) codes = DataType::uint8;
  if (codes != DataType::undefined && !is_code(codes)) request.refuse(cat("codes of type ", name_of(codes), " are not supported"));
  if (wanted != DataType::undefined && codes != DataType::undefined && wanted != codes) {
    request.refuse(cat("output_dtype is ", name_of(wanted), ", the zero point is ", name_of(codes)));
  }
  check_parameters(request, codes);
  return {{.type = codes, .shape = request.inputs[0].shape}};
}

std::vector<OutputType> infer_dequantize(const InferRequest& request) {
  const DataType codes = request.type(0);
  if (codes != DataType::undefined && codes != DataType::int32 && !is_code(codes)) {
    request.refuse(cat("codes of type ", name_of(codes), " are not supported"));
  }
  check_parameters(request, codes);
  DataType type = request.opset >= 23 ? type_attribute(request.node, "output_dtype") : DataType::undefined;
  if (type == DataType::undefined) type = request.type(1) == DataType::float8e8m0 ? DataType::float32 : request.type(1);
  if (type != DataType::undefined && type != DataType::float32 && type != DataType::float16 && type != DataType::bfloat16) {
    request.refuse(cat("numbers of type ", name_of(type), " are not supported"));
  }
  return {{.type = type, .shape = request.inputs[0].shape}};
}

// --- quantizing

// Integers as float, and half precision widened.
Tensor numbers_of(const Tensor& tensor) {
  if (tensor.type() != DataType::int32) return widen(tensor);
  Tensor numbers = Tensor::uninitialized(DataType::float32, tensor.shape());
  std::transform(tensor.data<std::int32_t>().begin(), tensor.data<std::int32_t>().end(), numbers.mutable_data<float>().begin(),
                 [](std::int32_t number) { return static_cast<float>(number); });
  return numbers;
}

// The quotient in half precision, which an opset 23 node may ask for: rounded to it, so that the float32 division by 1 that follows keeps
// it.
void divide_in(DataType precision, const Grain& grain, const Parameters& parameters, Tensor& numbers) {
  const std::span<float> elements = numbers.mutable_data<float>();
  const bool brain = precision == DataType::bfloat16;
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    for (float& element : elements.subspan(first, count)) {
      const float quotient = element / parameters.scales[index];
      element = brain ? float_from_bfloat16(bfloat16_from_float(quotient)) : float_from_half(half_from_float(quotient));
    }
  });
}

// Numbers over their scales: exact again when they are divided by 1.
Tensor divided(const Grain& grain, const Parameters& parameters, const Tensor& numbers) {
  Tensor quotients = Tensor::uninitialized(DataType::float32, numbers.shape());
  const float* from = numbers.data<float>().data();
  float* to = quotients.mutable_data<float>().data();
  for_each_interleaved_row(grain, [&](std::size_t first, std::size_t scale, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[first + i] = from[first + i] / parameters.scales[scale + i];
  });
  return quotients;
}

struct CodeRange {
  std::int32_t lowest, highest;
};

CodeRange range_of(DataType type) {
  const int bits = bits_of(type);
  if (is_signed_integer(type)) return {-(1 << (bits - 1)), (1 << (bits - 1)) - 1};
  return {0, (1 << bits) - 1};
}

template <class Code>
void quantize_runs(kernels::Quantize<Code> kernel, const Grain& grain, const Parameters& parameters, DataType type, const float* numbers,
                   Code* codes) {
  const CodeRange range = range_of(type);
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    kernel({parameters.scales[index], parameters.zero_point(index), range.lowest, range.highest}, numbers + first, codes + first, count);
  });
}

void quantize_integers(const kernels::QuantizeKernels& kernels, const Grain& grain, const Parameters& parameters, const float* numbers,
                       Tensor& codes) {
  switch (codes.type()) {
    case DataType::uint8:
      return quantize_runs(kernels.to_u8, grain, parameters, codes.type(), numbers, codes.mutable_data<std::uint8_t>().data());
    case DataType::int8:
      return quantize_runs(kernels.to_s8, grain, parameters, codes.type(), numbers, codes.mutable_data<std::int8_t>().data());
    case DataType::uint16:
      return quantize_runs(kernels.to_u16, grain, parameters, codes.type(), numbers, codes.mutable_data<std::uint16_t>().data());
    case DataType::int16:
      return quantize_runs(kernels.to_s16, grain, parameters, codes.type(), numbers, codes.mutable_data<std::int16_t>().data());
    default:
      break;
  }
  std::vector<std::int8_t> wide(static_cast<std::size_t>(codes.elements()));
  quantize_runs(kernels.to_s8, grain, parameters, codes.type(), numbers, wide.data());
  pack_codes(wide, bits_of(codes.type()), codes.mutable_bytes());
}

void encode_floats(const SmallFloat& format, bool saturate, const Grain& grain, const Parameters& parameters, const float* numbers,
                   Tensor& codes) {
  const kernels::EncodeFloat8 kernel = kernels::float8_kernels(selected_isa()).encode;
  const kernels::Float8Codes how = kernels::float8_codes(format, saturate);
  std::vector<std::int8_t> wide(format.bits() == 8 ? 0 : static_cast<std::size_t>(codes.elements()));
  auto* target = reinterpret_cast<std::uint8_t*>(format.bits() == 8 ? static_cast<void*>(codes.mutable_bytes().data()) : wide.data());
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    kernel(how, parameters.scales[index], numbers + first, target + first, count);
  });
  if (format.bits() != 8) pack_codes(wide, format.bits(), codes.mutable_bytes());
}

Step prepare_quantize(const PrepareRequest& request) {
  const DataType precision = request.opset >= 23 ? type_attribute(request.node, "precision") : DataType::undefined;
  const bool half = precision == DataType::float16 || precision == DataType::bfloat16;
  const bool saturate = request.node.integer("saturate", 1) != 0;
  const kernels::QuantizeKernels& kernels = kernels::quantize_kernels(selected_isa());
  return [=, &kernels, node = request.node, opset = request.opset, constant = constant_parameters(request)](RunContext& run) {
    std::shared_ptr<const Parameters> parameters = parameters_of(run, constant);
    Grain grain = grain_of(run.in(0).shape(), run.in(1).shape(), node, opset);
    Tensor numbers = numbers_of(run.in(0));
    if (half) {
      numbers = Tensor::of(numbers.shape(), numbers.data<float>());
      divide_in(precision, grain, *parameters, numbers);
      auto ones = std::make_shared<Parameters>(*parameters);
      std::fill(ones->scales.begin(), ones->scales.end(), 1.0F);
      parameters = ones;
    }
    if (is_interleaved(grain) && parameters->is_symmetric()) {
      numbers = divided(grain, *parameters, numbers);
      parameters = std::make_shared<Parameters>(Parameters{.scales = {1.0F}, .zero_points = {}});
      grain = whole(numbers);
    }
    const float* source = numbers.data<float>().data();
    if (const SmallFloat* format = small_float_of(run.out().type())) {
      encode_floats(*format, saturate, grain, *parameters, source, run.out());
    } else {
      quantize_integers(kernels, grain, *parameters, source, run.out());
    }
  };
}

// --- dequantizing

template <class Code>
void dequantize_runs(kernels::Dequantize<Code> kernel, const Grain& grain, const Parameters& parameters, const Code* codes,
                     float* numbers) {
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    kernel({parameters.scales[index], parameters.zero_point(index), 0, 0}, codes + first, numbers + first, count);
  });
}

void dequantize_int32(const Grain& grain, const Parameters& parameters, const std::int32_t* codes, float* numbers) {
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    const std::int64_t zero_point = parameters.zero_point(index);
    for (std::size_t i = first; i < first + count; ++i) numbers[i] = static_cast<float>(codes[i] - zero_point) * parameters.scales[index];
  });
}

void decode_floats(const SmallFloat& format, const Grain& grain, const Parameters& parameters, const std::uint8_t* codes, float* numbers) {
  const kernels::DecodeFloat8 kernel = kernels::float8_kernels(selected_isa()).decode;
  const kernels::Float8Codes how = kernels::float8_codes(format, true);
  for_each_run(grain, [&](std::size_t first, std::size_t count, std::size_t index) {
    kernel(how, parameters.scales[index], codes + first, numbers + first, count);
  });
}

void dequantize(const kernels::QuantizeKernels& kernels, const Grain& grain, const Parameters& parameters, const Tensor& codes,
                float* numbers) {
  const SmallFloat* format = small_float_of(codes.type());
  switch (codes.type()) {
    case DataType::uint8:
      return dequantize_runs(kernels.from_u8, grain, parameters, codes.data<std::uint8_t>().data(), numbers);
    case DataType::int8:
      return dequantize_runs(kernels.from_s8, grain, parameters, codes.data<std::int8_t>().data(), numbers);
    case DataType::uint16:
      return dequantize_runs(kernels.from_u16, grain, parameters, codes.data<std::uint16_t>().data(), numbers);
    case DataType::int16:
      return dequantize_runs(kernels.from_s16, grain, parameters, codes.data<std::int16_t>().data(), numbers);
    case DataType::int32:
      return dequantize_int32(grain, parameters, codes.data<std::int32_t>().data(), numbers);
    default:
      break;
  }
  if (format != nullptr && format->bits() == 8) {
    return decode_floats(*format, grain, parameters, codes.bits<std::uint8_t>().data(), numbers);
  }
  const std::vector<std::int8_t> wide = unpack_codes(codes);
  if (format != nullptr) return decode_floats(*format, grain, parameters, reinterpret_cast<const std::uint8_t*>(wide.data()), numbers);
  dequantize_runs(kernels.from_s8, grain, parameters, wide.data(), numbers);
}

// The same in two steps where neighbours have scales of their own.
void dequantize_interleaved(const kernels::QuantizeKernels& kernels, const Grain& grain, const Parameters& parameters, const Tensor& codes,
                            float* numbers) {
  dequantize(kernels, whole(codes), {.scales = {1.0F}, .zero_points = {}}, codes, numbers);
  for_each_interleaved_row(grain, [&](std::size_t first, std::size_t scale, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) numbers[first + i] *= parameters.scales[scale + i];
  });
}

Step prepare_dequantize(const PrepareRequest& request) {
  const kernels::QuantizeKernels& kernels = kernels::quantize_kernels(selected_isa());
  return [&kernels, node = request.node, opset = request.opset, constant = constant_parameters(request)](RunContext& run) {
    const std::shared_ptr<const Parameters> parameters = parameters_of(run, constant);
    const Grain grain = grain_of(run.in(0).shape(), run.in(1).shape(), node, opset);
    const auto compute = is_interleaved(grain) && parameters->is_symmetric() ? dequantize_interleaved : dequantize;
    if (run.out().type() == DataType::float32) {
      compute(kernels, grain, *parameters, run.in(0), run.out().mutable_data<float>().data());
      return;
    }
    Tensor wide = Tensor::uninitialized(DataType::float32, run.out().shape());
    compute(kernels, grain, *parameters, run.in(0), wide.mutable_data<float>().data());
    narrow(wide, run.out());
  };
}

// --- DynamicQuantizeLinear: uint8, the range of the data and zero

std::vector<OutputType> infer_dynamic(const InferRequest& request) {
  if (request.type(0) != DataType::undefined && request.type(0) != DataType::float32) request.refuse("the input is not float32");
  return {{.type = DataType::uint8, .shape = request.inputs[0].shape},
          {.type = DataType::float32, .shape = Shape{}},
          {.type = DataType::uint8, .shape = Shape{}}};
}

Step prepare_dynamic(const PrepareRequest&) {
  const kernels::QuantizeKernels& kernels = kernels::quantize_kernels(selected_isa());
  const kernels::MinMax minmax = kernels::minmax_kernel(selected_isa());
  return [&kernels, minmax](RunContext& run) {
    const std::span<const float> numbers = run.in(0).data<float>();
    const kernels::Range range = minmax(numbers.data(), numbers.size());
    const float low = std::min(range.lowest, 0.0F);
    const float high = std::max(range.highest, 0.0F);
    const float scale = low == high ? 1.0F : (high - low) / 255.0F;  // a tensor of zeros: as ONNX Runtime
    const float zero_point = std::nearbyint(std::clamp(0.0F - low / scale, 0.0F, 255.0F));
    if (run.outputs.size() > 1) run.out(1).mutable_data<float>()[0] = scale;
    if (run.outputs.size() > 2) run.out(2).mutable_data<std::uint8_t>()[0] = static_cast<std::uint8_t>(zero_point);
    const Parameters parameters{{scale}, {static_cast<std::int32_t>(zero_point)}};
    quantize_integers(kernels, whole(run.in(0)), parameters, numbers.data(), run.out());
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QuantizeLinear",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_quantize,
     .prepare = prepare_quantize},
    {.type = "DequantizeLinear",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_dequantize,
     .prepare = prepare_dequantize},
    {.type = "DynamicQuantizeLinear", .first_opset = 11, .infer = infer_dynamic, .prepare = prepare_dynamic},
};

}  // namespace

Family quantize_linear() { return rows; }

}  // namespace titrate::engine::ops
