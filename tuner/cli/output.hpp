// What goes to stdout: the result, as text or as exactly one JSON document.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.hpp"

namespace titrate::cli {

/// One line-wrapped JSON document. Everything that is not ASCII is escaped, so that no control, C1 or bidi character gets through.
void print_json(const nlohmann::ordered_json& document);
void print_text(const std::string& text);
/// "titrate: warning: what" to stderr, control characters made visible.
void print_warning(const std::string& what);
/// "titrate: error: what (where)" and the hint to stderr, control characters made visible; with `json` the error document to stdout too.
void print_error(const Error& error, bool json);

}  // namespace titrate::cli
