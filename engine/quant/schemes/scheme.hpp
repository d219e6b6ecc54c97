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
#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/weights/layer_problem.hpp"
#include "engine/quant/weights/solution.hpp"

namespace titrate::engine {

/// How weights that only need storing (not integer arithmetic) are written.
enum class WeightForm : std::uint8_t {
  qdq,    ///< DequantizeLinear before the node
  nbits,  ///< com.microsoft MatMulNBits where it can serve, else qdq
};

struct SchemeContext {
  GraphRewriter& rewriter;
  const ActivationPlacement& placement;
  const WeightSolutions& solutions;
  WeightForm form = WeightForm::qdq;
  const Target& target = default_target();
};

/// How a scheme that only stores weights in few bits finds their codes.
struct WeightSolver {
  /// The grid of scales to start from, and what the result is compared with.
  RoundToNearest (*grid)(const Scheme& scheme);
  /// Improves codes that come rounded to nearest, knowing the layer's inputs; a reason if it could not, and nothing is changed then. Null:
  /// rounding to nearest is all.
  std::optional<std::string> (*improve)(const LayerProblem& problem, const Scheme& scheme, QuantizedMatrix& quantized);
  /// Whether the scheme can do nothing without the layer's inputs.
  bool needs_data = true;
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
  const WeightSolver* solver = nullptr;  ///< of weight-only schemes with integer codes
};

[[nodiscard]] std::span<const QuantizerRow> scheme_implementations();
[[nodiscard]] const QuantizerRow& implementation_of(const Scheme& scheme);

extern const QuantizerRow float_scheme;
extern const QuantizerRow rtn_scheme;
extern const QuantizerRow static_int8_scheme;
extern const QuantizerRow dynamic_int8_scheme;
extern const QuantizerRow fp8_scheme;
extern const QuantizerRow gptq_scheme;
extern const QuantizerRow awq_scheme;
extern const QuantizerRow hqq_scheme;
extern const QuantizerRow adaround_scheme;
extern const QuantizerRow signround_scheme;
extern const QuantizerRow mx_scheme;
extern const QuantizerRow nvfp4_scheme;
extern const QuantizerRow nf4_scheme;
extern const QuantizerRow bf16_scheme;

}  // namespace titrate::engine
