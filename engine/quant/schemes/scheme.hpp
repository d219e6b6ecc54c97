// A scheme's way to quantize nodes: one file a scheme, one row in table.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/config/config.hpp"
#include "engine/quant/activation_placement.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// How weights that only need storing (not integer arithmetic) are written.
enum class WeightForm : std::uint8_t {
  qdq,    ///< DequantizeLinear before the node
  nbits,  ///< com.microsoft MatMulNBits where it can serve, else qdq
};

struct SchemeContext {
  GraphRewriter& rewriter;
  const ActivationPlacement& placement;
  WeightForm form = WeightForm::qdq;
  const Target& target = default_target();
};

struct QuantizerRow {
  std::string_view name;
  /// Statistics of activations are needed.
  bool (*needs_calibration)(const Scheme& scheme);
  /// Why this scheme cannot serve a node that has quantizable weights, or nothing.
  std::optional<std::string> (*refusal)(const Graph& graph, const Node& node, const Scheme& scheme);
  /// The scheme as it acts on a node of `columns` weights a row.
  Scheme (*effective)(const Scheme& scheme, std::int64_t columns);
  /// Rewrites the node; fills in weight_sqnr_db, stored_bytes and remarks.
  void (*apply)(SchemeContext& context, Assignment& assignment);
};

[[nodiscard]] std::span<const QuantizerRow> scheme_implementations();
[[nodiscard]] const QuantizerRow& implementation_of(const Scheme& scheme);

extern const QuantizerRow float_scheme;
extern const QuantizerRow rtn_scheme;
extern const QuantizerRow static_int8_scheme;
extern const QuantizerRow dynamic_int8_scheme;
extern const QuantizerRow fp8_scheme;

}  // namespace titrate::engine
