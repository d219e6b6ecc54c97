// What was decided for one node and why. Every node that could be quantized gets one: nothing is silent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace titrate::engine {

struct NodeDecision {
  std::string name;
  std::string type;
  std::string scheme;             ///< the scheme's canonical text, or "float"
  std::string reason;             ///< why it stays float, or what was adapted; "" if there is nothing to say
  std::optional<double> sqnr_db;  ///< of the node's own output, the node alone quantized (sensitivity.hpp); none: not measured
  double weight_sqnr_db = 0;      ///< of its weights; 0 if they are float
  std::int64_t float_bytes = 0;   ///< of its weights in the float model
  std::int64_t stored_bytes = 0;  ///< of its weights with scales and zero points in the candidate

  /// Adds to the reason.
  void remark(const std::string& text) { reason += reason.empty() ? text : "; " + text; }
};

}  // namespace titrate::engine
