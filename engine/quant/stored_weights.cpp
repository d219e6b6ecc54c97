#include "engine/quant/stored_weights.hpp"

#include <algorithm>

namespace titrate::engine {

DataType storage_type(IntegerRange range) {
  const bool negative = range.least < 0;
  const auto fits = [&](int bits) {
    const IntegerRange whole = negative ? signed_range(bits) : unsigned_range(bits);
    return range.least >= whole.least && range.most <= whole.most;
  };
  if (fits(2)) return negative ? DataType::int2 : DataType::uint2;
  if (fits(4)) return negative ? DataType::int4 : DataType::uint4;
  return negative ? DataType::int8 : DataType::uint8;
}

std::int64_t opset_of(DataType type, bool blocked) {
  if (bits_of(type) == 2) return 25;
  if (bits_of(type) == 4 || bits_of(type) == 16 || blocked) return 21;
  return is_float8(type) ? 19 : 13;
}

Tensor pack_codes(std::span<const std::int32_t> codes, DataType type, Shape shape) {
  Tensor tensor = Tensor::zeros(type, std::move(shape));
  const auto bits = static_cast<unsigned>(bits_of(type));
  const std::size_t per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1U;
  const auto bytes = tensor.mutable_bytes();
  const auto shifted = [&](std::size_t index) { return (static_cast<unsigned>(codes[index]) & mask) << (bits * (index % per_byte)); };
  std::size_t index = 0;
  for (; index + per_byte <= codes.size(); index += per_byte) {
    unsigned packed = 0;
    for (std::size_t i = 0; i < per_byte; ++i) packed |= shifted(index + i);
    bytes[index / per_byte] = static_cast<std::byte>(packed);
  }
  for (; index < codes.size(); ++index) bytes[index / per_byte] |= static_cast<std::byte>(shifted(index));
  return tensor;
}

namespace {

// [rows, columns] codes as [columns, rows].
template <class T>
std::vector<std::int32_t> transposed(const std::vector<T>& source, std::int64_t rows, std::int64_t columns) {
  std::vector<std::int32_t> result(source.size());
  for_each_transposed(rows, columns, [&](std::size_t from, std::size_t to) { result[to] = source[from]; });
  return result;
}

class WeightWriter {
 public:
  WeightWriter(GraphRewriter& rewriter, const Node& node, const QuantizedMatrix& quantized)
      : rewriter_(rewriter),
        quantized_(quantized),
        type_(storage_type(quantized.range)),
        name_(rewriter.graph()[node.inputs[weight_input(node)]].name),
        leaves_out_zero_(is_lookup(node)) {}

  StoredWeights write(const Shape& shape, bool rows_first, bool hide) {
    const bool blocked = !quantized_.per_tensor && quantized_.groups() > 1;
    rewriter_.require_opset(opset_of(type_, blocked));
    // Codes of the matrix itself where blocks need them; else in the node's own layout.
    ValueId value = blocked ? dequantize_matrix() : dequantize_in_place(shape, rows_first);
    if (blocked && !rows_first) {
      value = rewriter_.add_node("Transpose", name_ + "_Transpose", {value}, name_ + "_transposed",
                                 {attribute("perm", std::vector<std::int64_t>{1, 0})});
    } else if ((blocked && shape.size() != 2) || (hide && !rows_first)) {
      const ValueId target =
          rewriter_.add_constant(name_ + "_shape", Tensor::of<std::int64_t>({static_cast<std::int64_t>(shape.size())}, shape));
      value = rewriter_.add_node("Reshape", name_ + "_Reshape", {value, target}, name_ + "_reshaped");
    }
    return {.value = value, .bytes = bytes_, .shared = shared_};
  }

 private:
  ValueId dequantize_matrix() {
    const ValueId codes = stored_codes({quantized_.rows, quantized_.columns}, {quantized_.codes.begin(), quantized_.codes.end()});
    return dequantize(codes, {quantized_.rows, quantized_.groups()}, 1, quantized_.group);
  }

  ValueId dequantize_in_place(const Shape& shape, bool rows_first) {
    std::vector<std::int32_t> codes(quantized_.codes.begin(), quantized_.codes.end());
    if (!rows_first) codes = transposed(quantized_.codes, quantized_.rows, quantized_.columns);
    return dequantize(stored_codes(shape, codes), scale_shape(), rows_first ? 0 : 1, 0);
  }

  Shape scale_shape() const { return quantized_.per_tensor ? Shape{} : Shape{quantized_.rows}; }

  // Weights that two nodes read may have the same codes.
  ValueId stored_codes(const Shape& shape, const std::vector<std::int32_t>& codes) {
    Tensor tensor = pack_codes(codes, type_, shape);
    if (const auto known = rewriter_.equal_constant(tensor)) {
      shared_ = true;
      return *known;
    }
    bytes_ += static_cast<std::int64_t>(tensor.bytes().size());
    return rewriter_.add_shareable_constant(name_ + "_quantized", std::move(tensor));
  }

  ValueId constant(const std::string& suffix, Tensor tensor) {
    bytes_ += static_cast<std::int64_t>(tensor.bytes().size());
    return rewriter_.add_constant(name_ + suffix, std::move(tensor));
  }

  ValueId dequantize(ValueId codes, const Shape& parameter_shape, std::int64_t axis, std::int64_t block_size) {
    const ValueId scale = constant("_scale", Tensor::of<float>(parameter_shape, quantized_.scales));
    std::vector<ValueId> inputs = {codes, scale};
    const bool zero = std::ranges::all_of(quantized_.zero_points, [](std::int32_t zero_point) { return zero_point == 0; });
    if (!zero || !leaves_out_zero_) inputs.push_back(constant("_zero_point", pack_codes(quantized_.zero_points, type_, parameter_shape)));
    std::vector<Attribute> attributes;
    if (!parameter_shape.empty()) attributes.push_back(attribute("axis", axis));
    if (block_size > 0) attributes.push_back(attribute("block_size", block_size));
    return rewriter_.add_node("DequantizeLinear", name_ + "_DequantizeLinear", std::move(inputs), name_ + "_dequantized",
                              std::move(attributes));
  }

  GraphRewriter& rewriter_;
  const QuantizedMatrix& quantized_;
  DataType type_;
  std::string name_;
  bool leaves_out_zero_;  // no rule of a runtime asks for the zero points of a table
  bool shared_ = false;
  std::int64_t bytes_ = 0;
};

}  // namespace

StoredWeights store_weights(GraphRewriter& rewriter, const Node& node, const QuantizedMatrix& quantized, const Shape& shape,
                            bool rows_first, bool hide) {
  return WeightWriter(rewriter, node, quantized).write(shape, rows_first, hide);
}

}  // namespace titrate::engine
