// What a check says of a quantized model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace titrate::engine {

enum class Severity : std::uint8_t {
  note,     ///< worth knowing
  warning,  ///< slow, or risky on some processor or some input
  error,    ///< the result is wrong, or the model does not load
};

[[nodiscard]] constexpr std::string_view name_of(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "note";
}

struct Finding {
  Severity severity = Severity::note;
  std::string node;
  std::string type;   ///< of the node
  std::string rule;   ///< a name of the table of rules, or of a breach of the target's description
  std::string words;  ///< what is the matter
  std::string hint;   ///< what to do about it
};

}  // namespace titrate::engine
