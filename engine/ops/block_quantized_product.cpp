// com.microsoft.MatMulNBits: A * dequantized(B)' with B in codes of 2, 4 or 8 bits, one scale (and zero point) for each block along K.
// accuracy_level 4 also quantizes A to int8 block by block; every other level computes in float32.
#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"
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

unsigned code_at(std::span<const std::byte> bytes, std::size_t row_start, std::size_t index, std::size_t bits) {
  const std::size_t bit = index * bits;
  return (static_cast<unsigned>(bytes[row_start + bit / 8]) >> (bit % 8)) & ((1U << bits) - 1U);
}

// B unpacked: differences[k * N + n] = code - zero point, scales[block * N + n].
struct Unpacked {
  std::vector<float> differences;
  std::vector<float> scales;
};

float zero_point_at(const BlockFormat& format, const Tensor* zero_points, std::int64_t column, std::int64_t block) {
  if (zero_points == nullptr) return static_cast<float>(1 << (format.bits - 1));
  if (zero_points->type() == DataType::uint8) {
    const auto row = static_cast<std::size_t>(column * format.zero_point_bytes());
    return static_cast<float>(code_at(zero_points->bytes(), row, static_cast<std::size_t>(block), static_cast<std::size_t>(format.bits)));
  }
  return zero_points->data<float>()[static_cast<std::size_t>(column * format.blocks() + block)];
}

Unpacked unpack(const BlockFormat& format, const Tensor& codes, const Tensor& scales, const Tensor* zero_points) {
  Unpacked unpacked;
  unpacked.differences.resize(static_cast<std::size_t>(format.depth * format.columns));
  unpacked.scales.resize(static_cast<std::size_t>(format.blocks() * format.columns));
  for (std::int64_t column = 0; column < format.columns; ++column) {
    for (std::int64_t block = 0; block < format.blocks(); ++block) {
      const auto start = static_cast<std::size_t>((column * format.blocks() + block) * format.block_bytes());
      const float zero_point = zero_point_at(format, zero_points, column, block);
      unpacked.scales[static_cast<std::size_t>(block * format.columns + column)] =
          scales.data<float>()[static_cast<std::size_t>(column * format.blocks() + block)];
      const std::int64_t first = block * format.block;
      for (std::int64_t k = first; k < std::min(first + format.block, format.depth); ++k) {
        const unsigned code = code_at(codes.bytes(), start, static_cast<std::size_t>(k - first), static_cast<std::size_t>(format.bits));
        unpacked.differences[static_cast<std::size_t>(k * format.columns + column)] = static_cast<float>(code) - zero_point;
      }
    }
  }
  return unpacked;
}

// What the matrix product needs of B: for float arithmetic all of it with the scales in; for int8 arithmetic one right matrix a block.
struct PackedWeights {
  std::vector<std::vector<float>> panels;
  std::vector<float> scales;  // [block * N + n], for int8 arithmetic
};

bool quantizes_activations(const BlockFormat& format, const Tensor* zero_points) {
  // ONNX Runtime computes 2-bit codes and float zero points in float at every level.
  return format.accuracy_level == 4 && format.bits != 2 && (zero_points == nullptr || zero_points->type() == DataType::uint8);
}

PackedWeights pack_weights(const kernels::SgemmKernels& sgemm, const BlockFormat& format, bool by_block, const Tensor& codes,
                           const Tensor& scales, const Tensor* zero_points) {
  Unpacked unpacked = unpack(format, codes, scales, zero_points);
  const auto columns = static_cast<std::size_t>(format.columns);
  const auto depth = static_cast<std::size_t>(format.depth);
  if (!by_block) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float* scale = unpacked.scales.data() + k / static_cast<std::size_t>(format.block) * columns;
      for (std::size_t n = 0; n < columns; ++n) unpacked.differences[k * columns + n] *= scale[n];
    }
  }
  PackedWeights packed;
  const std::size_t step = by_block ? static_cast<std::size_t>(format.block) : depth;
  for (std::size_t k = 0; k < depth; k += step) {
    const kernels::MatrixView view{unpacked.differences.data() + k * columns, std::min(step, depth - k), columns, columns, 1};
    packed.panels.emplace_back(kernels::packed_columns_size(sgemm, view.rows, columns));
    kernels::pack_columns(sgemm, view, packed.panels.back().data());
  }
  packed.scales = std::move(unpacked.scales);
  return packed;
}

void start_from_bias(const Tensor* bias, std::span<float> output, std::size_t columns) {
  for (std::size_t i = 0; i < output.size(); ++i) output[i] = bias == nullptr ? 0.0F : bias->data<float>()[i % columns];
}

void multiply_floats(const kernels::SgemmKernels& sgemm, const BlockFormat& format, const PackedWeights& weights, RunContext& run) {
  const auto depth = static_cast<std::size_t>(format.depth);
  const auto columns = static_cast<std::size_t>(format.columns);
  const std::span<float> output = run.out().mutable_data<float>();
  const std::size_t rows = output.size() / columns;
  const auto packed = run.scratch.floats(rows * depth);
  kernels::pack_rows(sgemm, {run.in(0).data<float>().data(), rows, depth, depth, 1}, packed.data());
  start_from_bias(run.has(5) ? &run.in(5) : nullptr, output, columns);
  kernels::multiply(sgemm, {.rows = rows,
                            .columns = columns,
                            .depth = depth,
                            .a = packed.data(),
                            .b = weights.panels[0].data(),
                            .c = output.data(),
                            .c_stride = columns,
                            .accumulate = true});
}

// One block of A as int8 codes (held in floats, which are exact here) and their scales: scale = largest magnitude / 127.
void quantize_block(std::span<const float> a, std::size_t depth, std::size_t first, std::size_t length, std::span<float> codes,
                    std::span<float> scales) {
  for (std::size_t row = 0; row < scales.size(); ++row) {
    const std::span<const float> block = a.subspan(row * depth + first, length);
    float largest = 0;
    for (const float number : block) largest = std::max(largest, std::abs(number));
    const float scale = largest / 127.0F;
    scales[row] = scale;
    for (std::size_t k = 0; k < length; ++k) codes[row * length + k] = scale == 0 ? 0.0F : std::nearbyint(block[k] / scale);
  }
}

// Exact while 127 * 255 * block < 2^24, that is for blocks up to 512; larger ones round their sums as any float product.
void multiply_codes(const kernels::SgemmKernels& sgemm, const BlockFormat& format, const PackedWeights& weights, RunContext& run) {
  const auto depth = static_cast<std::size_t>(format.depth);
  const auto columns = static_cast<std::size_t>(format.columns);
  const auto block_size = static_cast<std::size_t>(format.block);
  const std::span<float> output = run.out().mutable_data<float>();
  const std::size_t rows = output.size() / columns;
  const auto codes = run.scratch.floats(rows * block_size, 0);
  const auto packed = run.scratch.floats(rows * block_size, 1);
  const auto sums = run.scratch.floats(rows * columns, 2);
  const auto scales = run.scratch.floats(rows, 3);
  start_from_bias(run.has(5) ? &run.in(5) : nullptr, output, columns);
  for (std::size_t block = 0; block < weights.panels.size(); ++block) {
    const std::size_t length = std::min(block_size, depth - block * block_size);
    quantize_block(run.in(0).data<float>(), depth, block * block_size, length, codes, scales);
    kernels::pack_rows(sgemm, {codes.data(), rows, length, length, 1}, packed.data());
    kernels::multiply(sgemm, {.rows = rows,
                              .columns = columns,
                              .depth = length,
                              .a = packed.data(),
                              .b = weights.panels[block].data(),
                              .c = sums.data(),
                              .c_stride = columns});
    const float* of_columns = weights.scales.data() + block * columns;
    kernels::parallel_for(rows, [&](std::size_t row, std::size_t) {
      float* target = output.data() + row * columns;
      const float* sum = sums.data() + row * columns;
      for (std::size_t n = 0; n < columns; ++n) target[n] += sum[n] * scales[row] * of_columns[n];
    });
  }
}

Step prepare_float(const PrepareRequest& request) {
  const kernels::SgemmKernels& sgemm = kernels::sgemm_kernels(selected_isa());
  const BlockFormat format(request.node);
  std::shared_ptr<const PackedWeights> constant;
  const bool known =
      request.constant(1) != nullptr && request.constant(2) != nullptr && (!request.has(3) || request.constant(3) != nullptr);
  if (known) {
    const bool by_block = quantizes_activations(format, request.constant(3));
    constant = std::make_shared<PackedWeights>(
        pack_weights(sgemm, format, by_block, *request.constant(1), *request.constant(2), request.constant(3)));
  }
  return [&sgemm, format, constant](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Tensor* zero_points = run.has(3) ? &run.in(3) : nullptr;
    const bool by_block = quantizes_activations(format, zero_points);
    PackedWeights now;
    if (!constant) now = pack_weights(sgemm, format, by_block, run.in(1), run.in(2), zero_points);
    const PackedWeights& weights = constant ? *constant : now;
    if (by_block) {
      multiply_codes(sgemm, format, weights, run);
    } else {
      multiply_floats(sgemm, format, weights, run);
    }
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
