// JSON for the command line: one document, what came from files escaped.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace titrate {

/// Control characters, C1 codes and bidi marks as \uXXXX, invalid UTF-8 replaced; numbers so that they read back exactly.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& document);

}  // namespace titrate
