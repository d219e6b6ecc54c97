// The .json description of data (INTERFACES: 5. DATA), read strictly.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datasets/preparation.hpp"

namespace titrate {

struct InputDescription {
  std::string name;
  std::string source;
  Preparation preparation;
};

struct Description {
  std::vector<InputDescription> inputs;  ///< as written
  std::optional<std::string> labels;     ///< their source
  std::optional<std::pair<std::int64_t, std::int64_t>> range;
};

/// Throws Error(invalid) naming file and place for text that is no JSON, nested deeper than 16, with repeated or unknown keys, values of
/// the wrong type or out of range.
[[nodiscard]] Description read_description(const std::filesystem::path& file);
[[nodiscard]] Description parse_description(std::string_view text, const std::string& where);

/// A preparation with its defaults filled in, as JSON of one line; the same text for the same effect.
[[nodiscard]] std::string to_text(const Preparation& preparation);

}  // namespace titrate
