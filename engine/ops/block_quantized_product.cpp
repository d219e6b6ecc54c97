// com.microsoft.MatMulNBits: A * dequantized(B)' with B in codes of 2, 4 or 8 bits, one scale (and zero point) for each block along K.
// accuracy_level 4 also quantizes A to int8 block by block; every other level computes in float32.
#include <algorithm>
#include <memory>

#include "engine/kernels/nbits_gemm/product.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

struct BlockFormat {
  std::int64_t depth;    // K
  std::int64_t columns;  // N
  std::int64_t bits;
  std::int64_t block;
  std::int64_t accuracy_level;

  explicit BlockFormat(const Node& node)
      : depth(node.integer("K", 0)),
        columns(node.integer("N", 0)),
        bits(node.integer("bits", 4)),
        block(node.integer("block_size", 0)),
        accuracy_level(node.integer("accuracy_level", 0)) {
    constexpr std::int64_t most = std::int64_t{1} << 31;
    if (depth < 1 || columns < 1 || depth > most || columns > most) {
      throw_invalid(cat("K is ", depth, " and N is ", columns), node.described());
    }
    if (bits != 2 && bits != 4 && bits != 8) throw_invalid(cat("bits is ", bits), node.described(), "2, 4 and 8 are supported");
    if (block < 16 || block > most || (block & (block - 1)) != 0) {
      throw_invalid(cat("block_size is ", block, ", not a power of two from 16 on"), node.described());
    }
  }
  [[nodiscard]] std::int64_t blocks() const { return (depth + block - 1) / block; }
  [[nodiscard]] std::int64_t block_bytes() const { return block * bits / 8; }
  [[nodiscard]] std::int64_t zero_point_bytes() const { return (blocks() * bits + 7) / 8; }  // of one row, which starts on a byte
};

void check_size(const InferRequest& request, std::size_t index, std::int64_t wanted) {
  const Shape* shape = request.shape(index);
  if (shape == nullptr || std::any_of(shape->begin(), shape->end(), [](std::int64_t size) { return size < 0; })) return;
  if (element_count(*shape) != wanted)
    request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", ", wanted, " elements are needed"));
}

std::vector<OutputType> infer_blocks(const InferRequest& request) {
  const BlockFormat format(request.node);
  if (request.has(4)) request.refuse("g_idx is not supported");
  check_size(request, 1, format.columns * format.blocks() * format.block_bytes());
  check_size(request, 2, format.columns * format.blocks());
  if (request.type(1) != DataType::undefined && request.type(1) != DataType::uint8) request.refuse("B is not uint8");
  if (request.has(3) && request.type(3) != DataType::undefined) {
    const bool packed = request.type(3) == DataType::uint8;
    check_size(request, 3, format.columns * (packed ? format.zero_point_bytes() : format.blocks()));
  }
  check_size(request, 5, format.columns);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (const Shape* a = request.shape(0)) {
    if (a->empty() || (a->back() >= 0 && a->back() != format.depth))
      request.refuse(cat("A has the shape ", to_text(*a), ", K is ", format.depth));
    output.shape = *a;
    output.shape->back() = format.columns;
  }
  return {output};
}

bool quantizes_activations(const BlockFormat& format, const Tensor* zero_points) {
  // ONNX Runtime computes 2-bit codes and float zero points in float at every level.
  return format.accuracy_level == 4 && format.bits != 2 && (zero_points == nullptr || zero_points->type() == DataType::uint8) &&
         std::min(format.block, format.depth) <= static_cast<std::int64_t>(kernels::nbits_most_integer_block);
}

kernels::NBitsWeights pack_weights(const BlockFormat& format, const Tensor& codes, const Tensor& scales, const Tensor* zero_points) {
  const bool packed = zero_points != nullptr && zero_points->type() == DataType::uint8;
  return kernels::NBitsWeights({.bits = static_cast<int>(format.bits),
                                .depth = static_cast<std::size_t>(format.depth),
                                .columns = static_cast<std::size_t>(format.columns),
                                .block = static_cast<std::size_t>(format.block),
                                .codes = codes.data<std::uint8_t>().data(),
                                .scales = scales.data<float>().data(),
                                .zero_point_codes = packed ? zero_points->data<std::uint8_t>().data() : nullptr,
                                .zero_points = zero_points != nullptr && !packed ? zero_points->data<float>().data() : nullptr});
}

void start_from_bias(const Tensor* bias, std::span<float> output, std::size_t columns) {
  if (bias == nullptr) {
    std::fill(output.begin(), output.end(), 0.0F);
    return;
  }
  for (std::size_t first = 0; first < output.size(); first += columns) std::copy_n(bias->data<float>().data(), columns, &output[first]);
}

void multiply(const kernels::NBitsVariant& variant, const kernels::NBitsWeights& weights, bool integers, RunContext& run) {
  const std::span<float> output = run.out().mutable_data<float>();
  const std::size_t rows = output.size() / weights.columns();
  start_from_bias(run.has(5) ? &run.in(5) : nullptr, output, weights.columns());
  const kernels::NBitsProduct product{.rows = rows, .a = run.in(0).data<float>().data(), .weights = weights, .c = output.data()};
  if (integers) {
    multiply_nbits_integers(variant, product, run.scratch.floats(nbits_integer_scratch(weights, rows)).data());
  } else {
    multiply_nbits_floats(variant, product, run.scratch.floats(kernels::nbits_float_scratch(rows, weights.depth())).data());
  }
}

Step prepare_float(const PrepareRequest& request) {
  const kernels::NBitsVariant variant = kernels::nbits_variant(selected_isa());
  const BlockFormat format(request.node);
  std::shared_ptr<const kernels::NBitsWeights> constant;
  const bool known =
      request.constant(1) != nullptr && request.constant(2) != nullptr && (!request.has(3) || request.constant(3) != nullptr);
  if (known) {
    constant = std::make_shared<const kernels::NBitsWeights>(
        pack_weights(format, *request.constant(1), *request.constant(2), request.constant(3)));
  }
  return [variant, format, constant](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Tensor* zero_points = run.has(3) ? &run.in(3) : nullptr;
    const bool integers = quantizes_activations(format, zero_points);
    if (constant) return multiply(variant, *constant, integers, run);
    multiply(variant, pack_weights(format, run.in(1), run.in(2), zero_points), integers, run);
  };
}

Step prepare_blocks(const PrepareRequest& request) {
  if (request.type(0) == DataType::float32) return prepare_float(request);
  if (request.type(0) == DataType::float16 || request.type(0) == DataType::bfloat16) return prepare_widened(request, prepare_float);
  request.refuse(cat("MatMulNBits of ", name_of(request.type(0)), " is not supported"));
}

constexpr OperatorDefinition rows[] = {
    {.type = "MatMulNBits",
     .domain = "com.microsoft",
     .least_inputs = 3,
     .most_inputs = 6,
     .infer = infer_blocks,
     .prepare = prepare_blocks},
};

}  // namespace

Family block_quantized_product() { return rows; }

}  // namespace titrate::engine::ops
