#include "engine/quant/stored_blocks.hpp"

#include <algorithm>

#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

// Opsets: float8e8m0 in Cast; float4e2m1; 4-bit integers and blocks.
constexpr std::int64_t power_scale_opset = 24;
constexpr std::int64_t float4_opset = 23;
constexpr std::int64_t block_opset = 21;

StoredValue constant(GraphRewriter& rewriter, const std::string& name, Tensor tensor) {
  const auto bytes = static_cast<std::int64_t>(tensor.bytes().size());
  return {.value = rewriter.add_constant(name, std::move(tensor)), .bytes = bytes};
}

Tensor packed(std::span<const std::uint8_t> codes, DataType type, Shape shape) {
  if (bits_of(type) == 8) {
    Tensor tensor = Tensor::uninitialized(type, std::move(shape));
    std::copy(codes.begin(), codes.end(), tensor.mutable_bits<std::uint8_t>().begin());
    return tensor;
  }
  const std::vector<std::int32_t> wide(codes.begin(), codes.end());
  return pack_codes(wide, type, std::move(shape));
}

ValueId integers(GraphRewriter& rewriter, const std::string& name, const std::vector<std::int64_t>& numbers) {
  return rewriter.add_constant(name, Tensor::of<std::int64_t>({static_cast<std::int64_t>(numbers.size())}, numbers));
}

// Every row filled up with code 0 to whole blocks.
std::vector<std::uint8_t> in_whole_blocks(const BlockCodes& codes) {
  const std::int64_t padded = codes.blocks() * codes.block;
  std::vector<std::uint8_t> whole(static_cast<std::size_t>(codes.rows * padded));
  for (std::int64_t row = 0; row < codes.rows; ++row) {
    const auto source = codes.codes.subspan(static_cast<std::size_t>(row * codes.columns), static_cast<std::size_t>(codes.columns));
    std::copy(source.begin(), source.end(), whole.begin() + row * padded);
  }
  return whole;
}

// Codes of four bits that fill up the last blocks; where they take more room than a few nodes, zeros are added to the numbers instead.
bool is_worth_a_pad(const BlockCodes& codes) {
  constexpr std::int64_t bytes_of_nodes = 400;
  return codes.rows * (codes.blocks() * codes.block - codes.columns) / 2 > bytes_of_nodes;
}

// [rows, columns] as [rows, blocks, block].
ValueId pad_and_cut(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes, ValueId matrix) {
  const ValueId pads = integers(rewriter, name + "_pads", {0, 0, 0, codes.blocks() * codes.block - codes.columns});
  const ValueId padded = rewriter.add_node("Pad", name + "_Pad", {matrix, pads}, name + "_padded");
  const ValueId shape = integers(rewriter, name + "_blocks", {codes.rows, codes.blocks(), codes.block});
  return rewriter.add_node("Reshape", name + "_cut", {padded, shape}, name + "_in_blocks");
}

// [rows, blocks, block] as [rows, columns].
ValueId join_and_slice(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes, ValueId blocks) {
  const std::int64_t padded = codes.blocks() * codes.block;
  const ValueId shape = integers(rewriter, name + "_rows", {codes.rows, padded});
  const ValueId rows = rewriter.add_node("Reshape", name + "_join", {blocks, shape}, name + "_in_rows");
  if (padded == codes.columns) return rows;
  const std::vector<ValueId> slice = {rows, integers(rewriter, name + "_first", {0}), integers(rewriter, name + "_end", {codes.columns}),
                                      integers(rewriter, name + "_axis", {1})};
  return rewriter.add_node("Slice", name + "_Slice", slice, name + "_sliced");
}

Attribute to_float() { return attribute("to", static_cast<std::int64_t>(DataType::float32)); }

}  // namespace

Shape dequantized_scale_shape(const BlockCodes& codes) { return {codes.rows, codes.blocks()}; }

StoredValue dequantize_blocks(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes, DataType type, ValueId scales) {
  rewriter.require_opset(type == DataType::float4e2m1 ? float4_opset : block_opset);
  StoredValue stored = constant(rewriter, name + "_quantized", packed(codes.codes, type, {codes.rows, codes.columns}));
  // Also one block of a whole row: with a scale for each index of axis 0 ONNX Runtime would move a Transpose before this node and then make
  // a MatMulNBits that rounds activations.
  const std::int64_t block = std::min(codes.block, codes.columns);
  stored.value = rewriter.add_node("DequantizeLinear", name + "_DequantizeLinear", {stored.value, scales}, name + "_dequantized",
                                   {attribute("axis", std::int64_t{1}), attribute("block_size", block)});
  return stored;
}

Shape looked_up_scale_shape(const BlockCodes& codes) {
  return codes.blocks() == 1 ? Shape{codes.rows, 1} : Shape{codes.rows, codes.blocks(), 1};
}

StoredValue look_up_blocks(GraphRewriter& rewriter, const std::string& name, const BlockCodes& codes, std::span<const float> levels,
                           ValueId scales) {
  rewriter.require_opset(block_opset);
  const bool one_block = codes.blocks() == 1;
  const bool pads = !one_block && is_worth_a_pad(codes);
  const Tensor places = one_block || pads ? packed(codes.codes, DataType::uint4, {codes.rows, codes.columns})
                                          : packed(in_whole_blocks(codes), DataType::uint4, {codes.rows, codes.blocks(), codes.block});
  const StoredValue stored = constant(rewriter, name + "_quantized", places);
  const StoredValue table = constant(rewriter, name + "_levels", Tensor::of<float>({std::ssize(levels)}, levels));
  const ValueId wide = rewriter.add_node("Cast", name + "_Cast", {stored.value}, name + "_places",
                                         {attribute("to", static_cast<std::int64_t>(DataType::int32))});
  ValueId value = rewriter.add_node("Gather", name + "_Gather", {table.value, wide}, name + "_found");
  if (pads) value = pad_and_cut(rewriter, name, codes, value);
  value = rewriter.add_node("Mul", name + "_Mul", {value, scales}, name + "_scaled");
  if (!one_block) value = join_and_slice(rewriter, name, codes, value);
  return {.value = value, .bytes = stored.bytes + table.bytes};
}

StoredValue store_scales(GraphRewriter& rewriter, const std::string& name, std::span<const float> scales, const Shape& shape) {
  return constant(rewriter, name + "_scale", Tensor::of<float>(shape, scales));
}

StoredValue store_power_scales(GraphRewriter& rewriter, const std::string& name, std::span<const std::uint8_t> codes, const Shape& shape) {
  rewriter.require_opset(power_scale_opset);
  StoredValue stored = constant(rewriter, name + "_power", packed(codes, DataType::float8e8m0, shape));
  stored.value = rewriter.add_node("Cast", name + "_power_Cast", {stored.value}, name + "_scale", {to_float()});
  return stored;
}

StoredValue store_float8_scales(GraphRewriter& rewriter, const std::string& name, std::span<const std::uint8_t> codes, const Shape& shape,
                                float tensor_scale) {
  rewriter.require_opset(opset_of(DataType::float8e4m3fn, false));
  StoredValue stored = constant(rewriter, name + "_block_scale", packed(codes, DataType::float8e4m3fn, shape));
  const StoredValue whole = constant(rewriter, name + "_tensor_scale", Tensor::scalar(tensor_scale));
  stored.bytes += whole.bytes;
  stored.value = rewriter.add_node("DequantizeLinear", name + "_scale_DequantizeLinear", {stored.value, whole.value}, name + "_scale");
  return stored;
}

}  // namespace titrate::engine
