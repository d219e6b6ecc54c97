// The config sets that come with titrate.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace titrate {

struct ConfigSetRow {
  std::string_view name;
  std::string_view what;
  std::string text;  ///< as a person would write it
};

[[nodiscard]] std::span<const ConfigSetRow> config_set_rows();
/// Null if there is no such set.
[[nodiscard]] const ConfigSetRow* config_set_named(std::string_view name);

}  // namespace titrate
