// What a config set says, before it is checked against the table of fields: text and JSON are read into this, and one function expands it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"

namespace titrate {

/// One value as it is written. JSON also says of which type it is, and must say the right one.
struct Atom {
  enum class Type : std::uint8_t { word, string, boolean, integer, number };
  std::string text;
  Type type = Type::word;
};

/// `where` names the place for error messages: "config 'rtn(bitz=4)', character 5" or "configs[0].bitz".
struct FieldSyntax {
  std::string key;
  std::vector<Atom> values;  ///< more than one: a list
  std::string where;
};

/// A scheme or a stage.
struct PartSyntax {
  std::string name;
  std::vector<FieldSyntax> fields;
  std::string where;
};

struct OverrideSyntax {
  Override::Kind kind = Override::Kind::name;
  std::string pattern;
  std::vector<PartSyntax> stages;
  PartSyntax scheme;
  std::string where;
};

struct ConfigSyntax {
  std::vector<PartSyntax> stages;
  PartSyntax scheme;
  std::vector<OverrideSyntax> overrides;
};

/// More configs than this are refused.
inline constexpr std::size_t most_configs = 100'000;

/// May stand in a node's name without quotes.
[[nodiscard]] constexpr bool is_bare(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return code > 0x20 && code != 0x7f && letter != '=' && letter != '|' && letter != ';' && letter != '"';
}

/// `name:conv1`, with quotes where the name needs them.
[[nodiscard]] std::string selector_text(Override::Kind kind, const std::string& pattern);

[[nodiscard]] std::vector<ConfigSyntax> read_text(std::string_view text);
/// `source` names the text in messages: "config JSON" or a file's path.
[[nodiscard]] std::vector<ConfigSyntax> read_json(std::string_view text, const std::string& source);

/// Checks names, fields and values, and makes the product of the lists. Canonical, each config once.
[[nodiscard]] std::vector<Config> expand(const std::vector<ConfigSyntax>& set);
}  // namespace titrate
