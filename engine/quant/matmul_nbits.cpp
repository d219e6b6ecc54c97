#include "engine/quant/matmul_nbits.hpp"

#include <algorithm>
#include <bit>

#include "engine/base/text.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

// A row with one scale is cut into blocks of this size, which repeat the scale.
constexpr std::int64_t block_of_whole_rows = 128;

int stored_bits(const QuantizedMatrix& quantized) { return bits_of(storage_type(quantized.range)); }

std::int64_t block_size(const QuantizedMatrix& quantized) { return quantized.groups() > 1 ? quantized.group : block_of_whole_rows; }

// Codes as unsigned numbers: a signed code c is stored as c + 2^(bits-1), which is also the default zero point.
struct Packed {
  Tensor codes;                       // uint8 [N, blocks, block * bits / 8]
  Tensor scales;                      // float32 [N * blocks]
  std::optional<Tensor> zero_points;  // uint8 [N * ceil(blocks * bits / 8)], each row starting on a byte
};

template <int bits>
void pack_bytes(std::span<const std::int16_t> codes, int offset, std::span<std::uint8_t> bytes) {
  constexpr std::size_t per_byte = 8 / bits;
  const std::size_t whole = codes.size() / per_byte;
  for (std::size_t byte = 0; byte < whole; ++byte) {
    int packed = 0;
    for (std::size_t i = 0; i < per_byte; ++i) packed |= (codes[byte * per_byte + i] + offset) << (static_cast<int>(i) * bits);
    bytes[byte] = static_cast<std::uint8_t>(packed);
  }
  for (std::size_t index = whole * per_byte; index < codes.size(); ++index) {
    const int packed = (codes[index] + offset) << (static_cast<int>(index % per_byte) * bits);
    bytes[whole] = static_cast<std::uint8_t>(bytes[whole] | packed);
  }
}

// A row begins on a byte.
void pack_row(std::span<const std::int16_t> codes, int offset, int bits, std::span<std::uint8_t> bytes) {
  if (bits == 2) return pack_bytes<2>(codes, offset, bytes);
  if (bits == 4) return pack_bytes<4>(codes, offset, bytes);
  pack_bytes<8>(codes, offset, bytes);
}

Packed pack(const QuantizedMatrix& quantized) {
  const int bits = stored_bits(quantized);
  const std::int64_t block = block_size(quantized);
  const std::int64_t blocks = (quantized.columns + block - 1) / block;
  const int offset = quantized.range.least < 0 ? 1 << (bits - 1) : 0;
  const std::int64_t row_bytes = (blocks * bits + 7) / 8;
  Packed packed{.codes = Tensor::zeros(DataType::uint8, {quantized.rows, blocks, block * bits / 8}),
                .scales = Tensor::zeros(DataType::float32, {quantized.rows * blocks}),
                .zero_points = std::nullopt};
  if (offset == 0) packed.zero_points = Tensor::zeros(DataType::uint8, {quantized.rows * row_bytes});
  const auto put = [bits](std::span<std::uint8_t> bytes, std::int64_t position, std::int32_t code) {
    const auto bit = static_cast<std::size_t>(position * bits);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | (static_cast<unsigned>(code) << (bit % 8)));
  };
  const auto columns = static_cast<std::size_t>(quantized.columns);
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    const auto row_codes = packed.codes.mutable_data<std::uint8_t>().subspan(static_cast<std::size_t>(row * blocks * block * bits / 8));
    pack_row(std::span(quantized.codes).subspan(static_cast<std::size_t>(row * quantized.columns), columns), offset, bits, row_codes);
    for (std::int64_t index = 0; index < blocks; ++index) {
      const AffineParameters parameters = quantized.parameters(row, index * block);
      packed.scales.mutable_data<float>()[static_cast<std::size_t>(row * blocks + index)] = parameters.scale;
      if (packed.zero_points) {
        put(packed.zero_points->mutable_data<std::uint8_t>().subspan(static_cast<std::size_t>(row * row_bytes)), index,
            parameters.zero_point);
      }
    }
  }
  return packed;
}

}  // namespace

std::optional<std::string> matmul_nbits_refusal(const Graph& graph, const Node& node, const QuantizedMatrix& quantized) {
  if (node.type != "MatMul" && node.type != "Gemm") return cat("MatMulNBits is for matrix products, not for ", node.type);
  const bool plain = node.number("alpha", 1) == 1 && node.number("beta", 1) == 1 && node.integer("transA", 0) == 0;
  if (!plain) return "Gemm with alpha, beta or transA has no MatMulNBits form";
  if (node.has_input(2)) {
    const Tensor* bias = graph.constant_input(node, 2);
    if (bias == nullptr || bias->elements() != quantized.rows) return "its bias is not one number a channel";
  }
  const auto group = static_cast<std::uint64_t>(block_size(quantized));
  if (group < 16 || !std::has_single_bit(group)) return cat("MatMulNBits takes groups that are a power of two of at least 16, not ", group);
  return std::nullopt;
}

std::int64_t write_matmul_nbits(GraphRewriter& rewriter, std::size_t index, const QuantizedMatrix& quantized) {
  Node node = rewriter.graph().nodes[index];
  const std::string name = rewriter.graph()[node.inputs[1]].name;
  Packed packed = pack(quantized);
  std::int64_t bytes = 0;
  const auto constant = [&](const std::string& suffix, Tensor tensor) {
    bytes += static_cast<std::int64_t>(tensor.bytes().size());
    return rewriter.add_constant(name + suffix, std::move(tensor));
  };
  std::vector<ValueId> inputs = {node.inputs[0], constant("_quantized", std::move(packed.codes)),
                                 constant("_scale", std::move(packed.scales))};
  if (packed.zero_points) inputs.push_back(constant("_zero_point", std::move(*packed.zero_points)));
  if (node.has_input(2)) {
    inputs.resize(5, ValueId::none);
    const Tensor bias = rewriter.graph().constant_input(node, 2)->reshaped({quantized.rows});
    inputs.push_back(rewriter.add_constant(name + "_bias", bias));
  }
  node.type = "MatMulNBits";
  node.domain = "com.microsoft";
  node.inputs = std::move(inputs);
  node.attributes = {attribute("K", quantized.columns), attribute("N", quantized.rows),
                     attribute("bits", std::int64_t{stored_bits(quantized)}), attribute("block_size", block_size(quantized)),
                     attribute("accuracy_level", std::int64_t{1})};
  rewriter.graph().nodes[index] = std::move(node);
  rewriter.require_domain("com.microsoft", 1);
  return bytes;
}

}  // namespace titrate::engine
