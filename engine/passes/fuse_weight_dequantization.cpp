#include "engine/passes/fuse_weight_dequantization.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ops/sub_byte.hpp"
#include "engine/passes/graph_edits.hpp"
#include "engine/passes/remove_unused_nodes.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

// Floats of this many bytes stay in the second-level cache beside the activations: to unpack them at every run gains nothing there.
constexpr std::int64_t least_bytes = 256 << 10;
// A scale of a column or of the tensor is repeated for blocks of this size.
constexpr std::int64_t block_of_whole_columns = 128;
constexpr std::int64_t least_block = 16;

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

// The stored weights of a product: a matrix [K, N] or, with `columns_first`, [N, K].
struct StoredWeights {
  const Tensor* codes;
  const Tensor* scales;
  const Tensor* zero_points;  // null: 0
  bool columns_first;
  std::int64_t depth, columns;
  std::int64_t stored_block;  // along K; 0: one scale a column, or one for all
  std::int64_t block;         // of MatMulNBits: a power of two

  [[nodiscard]] std::int64_t blocks() const { return (depth + block - 1) / block; }
  // The scale of column n at row k of [K, N].
  [[nodiscard]] std::size_t parameter(std::int64_t n, std::int64_t k) const {
    if (scales->elements() == 1) return 0;
    if (stored_block == 0) return static_cast<std::size_t>(n);
    const std::int64_t of_column = (depth + stored_block - 1) / stored_block;
    return static_cast<std::size_t>(columns_first ? n * of_column + k / stored_block : k / stored_block * columns + n);
  }
};

bool is_packable(DataType type) { return is_integer(type) && bits_of(type) <= 8; }

// Codes as unsigned numbers, one a byte: a signed code c is c + 2^(bits - 1), which is the zero point that MatMulNBits has by default.
std::vector<std::uint8_t> unsigned_codes(const Tensor& tensor) {
  const int bits = bits_of(tensor.type());
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(tensor.elements()));
  if (bits == 8) {
    std::memcpy(codes.data(), tensor.bytes().data(), codes.size());
  } else {
    const std::vector<std::int8_t> narrow = ops::unpack_codes(tensor);
    std::memcpy(codes.data(), narrow.data(), codes.size());
  }
  const auto offset = static_cast<std::uint8_t>(is_signed_integer(tensor.type()) ? 1 << (bits - 1) : 0);
  const auto mask = static_cast<std::uint8_t>((1 << bits) - 1);
  for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>((code ^ offset) & mask);
  return codes;
}

// The codes of one column, packed low bits first from the start of its row.
void pack_column(const StoredWeights& stored, const std::vector<std::uint8_t>& codes, std::int64_t n, int bits, std::uint8_t* row) {
  const std::int64_t step = stored.columns_first ? 1 : stored.columns;
  const std::uint8_t* source = codes.data() + (stored.columns_first ? n * stored.depth : n);
  const int per_byte = 8 / bits;
  for (std::int64_t k = 0; k < stored.depth; ++k) {
    row[k / per_byte] = static_cast<std::uint8_t>(row[k / per_byte] | (source[k * step] << (k % per_byte * bits)));
  }
}

// Inputs 1 to 3 of MatMulNBits.
struct PackedWeights {
  Tensor codes, scales, zero_points;
};

PackedWeights pack(const StoredWeights& stored) {
  const int bits = bits_of(stored.codes->type());
  const std::int64_t blocks = stored.blocks();
  const std::int64_t row_bytes = blocks * stored.block * bits / 8;
  const std::int64_t zero_bytes = (blocks * bits + 7) / 8;
  PackedWeights packed{.codes = Tensor::zeros(DataType::uint8, {stored.columns, blocks, stored.block * bits / 8}),
                       .scales = Tensor::zeros(DataType::float32, {stored.columns, blocks}),
                       .zero_points = Tensor::zeros(DataType::uint8, {stored.columns, zero_bytes})};
  const std::vector<std::uint8_t> codes = unsigned_codes(*stored.codes);
  std::vector<std::uint8_t> zero_points(static_cast<std::size_t>(stored.scales->elements()));
  const int zero = is_signed_integer(stored.codes->type()) ? 1 << (bits - 1) : 0;
  std::fill(zero_points.begin(), zero_points.end(), static_cast<std::uint8_t>(zero));
  if (stored.zero_points != nullptr) zero_points = unsigned_codes(*stored.zero_points);
  const auto scales = stored.scales->data<float>();
  for (std::int64_t n = 0; n < stored.columns; ++n) {
    pack_column(stored, codes, n, bits, packed.codes.mutable_data<std::uint8_t>().data() + n * row_bytes);
    for (std::int64_t index = 0; index < blocks; ++index) {
      const std::size_t parameter = stored.parameter(n, index * stored.block);
      packed.scales.mutable_data<float>()[static_cast<std::size_t>(n * blocks + index)] = scales[parameter];
      auto& byte = packed.zero_points.mutable_data<std::uint8_t>()[static_cast<std::size_t>(n * zero_bytes + index * bits / 8)];
      byte = static_cast<std::uint8_t>(byte | (zero_points[parameter] << (index * bits % 8)));
    }
  }
  return packed;
}

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), uses_(graph), names_(graph) {}

  std::size_t run() {
    std::size_t count = 0;
    for (Node& node : graph_.nodes) {
      if (in_default_domain(node) && (node.type == "MatMul" || node.type == "Gemm")) count += fuse(node);
    }
    return count;
  }

 private:
  std::size_t fuse(Node& node) {
    if (node.outputs.size() != 1 || !node.has_input(0) || !node.has_input(1) || is_dequantized(node.inputs[0])) return 0;
    const std::optional<StoredWeights> stored = weights_of(node);
    if (!stored || stored->depth * stored->columns * 4 < least_bytes) return 0;
    std::optional<Tensor> bias;
    if (node.type == "Gemm") {
      const bool plain = node.number("alpha", 1) == 1 && node.number("beta", 1) == 1 && node.integer("transA", 0) == 0;
      if (!plain) return 0;
      if (node.has_input(2)) {
        bias = bias_of(node, stored->columns);
        if (!bias) return 0;
      }
    }
    become_product(node, *stored, std::move(bias));
    return 1;
  }

  void become_product(Node& node, const StoredWeights& stored, std::optional<Tensor> bias) {
    const std::string name = graph_[node.inputs[1]].name;
    const auto constant = [&](const char* suffix, Tensor tensor) {
      return graph_.add_constant(names_.value(name + suffix), std::move(tensor));
    };
    const std::int64_t bits = bits_of(stored.codes->type());
    const std::int64_t depth = stored.depth;
    const std::int64_t columns = stored.columns;
    const std::int64_t block = stored.block;
    PackedWeights packed = pack(stored);
    std::vector<ValueId> inputs = {node.inputs[0], constant("_packed", std::move(packed.codes)),
                                   constant("_packed_scale", std::move(packed.scales)),
                                   constant("_packed_zero_point", std::move(packed.zero_points))};
    if (bias) {
      inputs.resize(5, ValueId::none);
      inputs.push_back(constant("_packed_bias", std::move(*bias)));
    }
    node.type = "MatMulNBits";
    node.domain = "com.microsoft";
    node.inputs = std::move(inputs);
    node.attributes.clear();
    node.set("K", depth);
    node.set("N", columns);
    node.set("bits", bits);
    node.set("block_size", block);
    node.set("accuracy_level", std::int64_t{1});
  }

  [[nodiscard]] const Node* producer(ValueId id) const {
    const int index = uses_.producer(id);
    return index < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(index)];
  }

  // Behind a DequantizeLinear the product may run on integers altogether.
  [[nodiscard]] bool is_dequantized(ValueId id) const {
    const Node* node = producer(id);
    return node != nullptr && in_default_domain(*node) && node->type == "DequantizeLinear";
  }

  [[nodiscard]] std::optional<StoredWeights> weights_of(const Node& product) const {
    bool columns_first = product.type == "Gemm" && product.integer("transB", 0) != 0;
    const Node* node = producer(product.inputs[1]);
    if (node != nullptr && in_default_domain(*node) && node->type == "Transpose") {
      const std::vector<std::int64_t> swapped = {1, 0};
      if (node->integers("perm", swapped) != swapped) return std::nullopt;
      columns_first = !columns_first;
      node = producer(node->inputs[0]);
    }
    if (node != nullptr && in_default_domain(*node) && node->type == "Reshape") node = reshaped_to_itself(*node);
    if (node == nullptr || !in_default_domain(*node) || node->type != "DequantizeLinear") return std::nullopt;
    return stored_by(*node, columns_first);
  }

  // The node whose codes a Reshape leaves in their shape; null: it changes it.
  [[nodiscard]] const Node* reshaped_to_itself(const Node& reshape) const {
    const Node* source = producer(reshape.inputs[0]);
    const Tensor* target = graph_.constant_input(reshape, 1);
    const Tensor* codes = source == nullptr ? nullptr : graph_.constant_input(*source, 0);
    return target != nullptr && codes != nullptr && to_integers(*target) == codes->shape() ? source : nullptr;
  }

  [[nodiscard]] std::optional<StoredWeights> stored_by(const Node& node, bool columns_first) const {
    StoredWeights stored{.codes = graph_.constant_input(node, 0),
                         .scales = graph_.constant_input(node, 1),
                         .zero_points = graph_.constant_input(node, 2),
                         .columns_first = columns_first,
                         .depth = 0,
                         .columns = 0,
                         .stored_block = 0,
                         .block = block_of_whole_columns};
    if (stored.codes == nullptr || stored.scales == nullptr || (node.has_input(2) && stored.zero_points == nullptr)) return std::nullopt;
    if (stored.codes->rank() != 2 || !is_packable(stored.codes->type()) || stored.scales->type() != DataType::float32) return std::nullopt;
    if (stored.codes->elements() == 0 || stored.scales->elements() == 0) return std::nullopt;
    const std::int64_t wanted = node.integer("output_dtype", 0);
    if (wanted != 0 && static_cast<DataType>(wanted) != DataType::float32) return std::nullopt;
    const std::int64_t depth_axis = columns_first ? 1 : 0;
    stored.depth = stored.codes->shape()[static_cast<std::size_t>(depth_axis)];
    stored.columns = stored.codes->shape()[static_cast<std::size_t>(1 - depth_axis)];
    std::int64_t axis = node.integer("axis", 1);
    if (axis < 0) axis += 2;
    const std::int64_t block = node.integer("block_size", 0);
    if (block == 0) {
      const bool one = stored.scales->rank() == 0;
      const bool by_column = axis == 1 - depth_axis && stored.scales->rank() == 1 && stored.scales->elements() == stored.columns;
      return one || by_column ? std::optional(stored) : std::nullopt;
    }
    if (axis != depth_axis || block < least_block) return std::nullopt;
    stored.stored_block = block;
    stored.block = block & -block;  // the largest power of two that divides it: scales are repeated
    const std::int64_t of_column = (stored.depth + block - 1) / block;
    const Shape wanted_scales = columns_first ? Shape{stored.columns, of_column} : Shape{of_column, stored.columns};
    if (stored.block < least_block || stored.scales->shape() != wanted_scales) return std::nullopt;
    return stored;
  }

  // One number a column.
  [[nodiscard]] std::optional<Tensor> bias_of(const Node& node, std::int64_t columns) const {
    const Tensor* bias = graph_.constant_input(node, 2);
    const bool fits = bias != nullptr && bias->type() == DataType::float32 && bias->elements() == columns && bias->rank() > 0 &&
                      bias->shape().back() == columns;
    return fits ? std::optional(bias->reshaped({columns})) : std::nullopt;
  }

  Graph& graph_;
  Uses uses_;
  NameSource names_;
};

}  // namespace

std::size_t fuse_weight_dequantization(Model& model) {
  const std::size_t count = rewrite_every_graph(model.graph, [](Graph& graph) { return Fuser(graph).run(); });
  if (count == 0) return 0;
  if (model.opset("com.microsoft") == 0) model.set_opset("com.microsoft", 1);
  (void)remove_unused_nodes(model);  // the weights' DequantizeLinear would else be folded into floats
  return count;
}

}  // namespace titrate::engine
