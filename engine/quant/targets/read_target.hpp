// Back-end descriptions from JSON: those that come with titrate and a user's own.
#pragma once

#include <string>
#include <string_view>

#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// Throws Error(invalid) for a text that is no description, naming line and key.
[[nodiscard]] Target read_target(std::string_view text, const std::string& source);

/// A built-in one by its name, or a path to a .json file. Throws Error(usage) for another word or a file that cannot be read.
[[nodiscard]] Target find_target(const std::string& word);

/// ONNX Runtime's CPU provider.
[[nodiscard]] const Target& default_target();

}  // namespace titrate::engine
