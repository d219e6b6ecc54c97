// Holds a quantized model against a target: which nodes will not run as integers there, and which will compute something else than the file
// says.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/check/finding.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

struct CheckReport {
  std::vector<Finding> findings;           ///< errors first, then warnings and notes, each in graph order
  std::optional<double> integer_coverage;  ///< share of the known multiply-accumulates on integers; only where ONNX Runtime's rules hold

  [[nodiscard]] std::size_t count(Severity severity) const;
};

/// Of any ONNX model, also another tool's, also a float one. Throws Error(invalid) for a graph that verify() refuses.
[[nodiscard]] CheckReport check(const Model& model, const Target& target);

/// Throws Error(invalid) naming what is wrong if a check finds an error: such a model must not be written. Cheaper than check(): only the
/// rules that can find one.
void refuse_errors(const Model& model, const Target& target);

}  // namespace titrate::engine
