// JSON whose every value knows the line it stands in, for messages about a file that a person wrote.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace titrate::engine {

struct LocatedJson {
  enum class Kind { null, boolean, number, text, list, object };
  Kind kind = Kind::null;
  int line = 1;  ///< counted from 1
  bool truth = false;
  double number = 0;
  std::string text;
  std::vector<LocatedJson> items;                            ///< of a list
  std::vector<std::pair<std::string, LocatedJson>> members;  ///< of an object, in their order

  /// Null if there is no such member.
  [[nodiscard]] const LocatedJson* find(std::string_view key) const;
};

/// "a list", "true or false": for messages.
[[nodiscard]] std::string_view name_of(LocatedJson::Kind kind);

/// `source` names the text in messages: a file's path. Throws Error(invalid) with the line for text that is no JSON, is nested deeper than
/// 32, or gives a key twice.
[[nodiscard]] LocatedJson read_located_json(std::string_view text, const std::string& source);

}  // namespace titrate::engine
