// The one description of the schemes and stages and their fields. Parsing, printing, enumerating, JSON and the command line's listing all
// read it: a new field is a member of its scheme's struct and a row in fields.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "engine/config/config.hpp"

namespace titrate {

enum class FieldKind : std::uint8_t { integer, boolean, enumeration, number };

/// The value of a field, whatever its type: integers as they are, booleans 0 or 1, enumerations by their place in FieldDescription::names;
/// numbers as double.
using FieldValue = std::variant<std::int64_t, double>;

/// What a field may hold and how it is spelled.
struct FieldDescription {
  std::string_view key;
  FieldKind kind;
  std::string_view help;
  std::span<const std::string_view> names;  ///< of booleans and enumerations, in the order of their values
  std::span<const std::int64_t> also;       ///< integers that are allowed beside least..most
  std::int64_t least = 0;                   ///< of integers
  std::int64_t most = 0;
  double above = 0;  ///< numbers lie in (above, up_to]
  double up_to = 0;
  std::string_view word = {};  ///< a word that a number may be instead ("auto"), or empty
  double word_value = 0;       ///< what it stands for

  /// "integer", "boolean", "enumeration", "number"
  [[nodiscard]] std::string_view type_text() const;
  /// What is allowed: "2 to 8", "true or false", "one of none, mse", "above 50, up to 100".
  [[nodiscard]] std::string range_text() const;
  /// The value as a config text spells it.
  [[nodiscard]] std::string value_text(const FieldValue& value) const;
  /// The value that a text stands for; nothing if it is no value of this type or out of range.
  [[nodiscard]] std::optional<FieldValue> value_of(std::string_view text) const;
};

/// One field of a Part: a Scheme or a Stage.
template <class Part>
struct FieldRowOf : FieldDescription {
  FieldValue (*get)(const Part& part);            ///< `part` must be of the kind that has this field
  void (*set)(Part& part, const FieldValue& to);  ///< `to` must be allowed
};

/// One scheme or stage. The rows stand in the order of the variant's alternatives.
template <class Part>
struct PartRow {
  std::string_view name;
  std::string_view what;
  std::span<const FieldRowOf<Part>> fields;
  Part defaults;

  /// The value that the field has if it is not named.
  [[nodiscard]] FieldValue default_of(const FieldRowOf<Part>& field) const { return field.get(defaults); }
  [[nodiscard]] std::string default_text(const FieldRowOf<Part>& field) const { return field.value_text(default_of(field)); }
  /// Null if there is no such field.
  [[nodiscard]] const FieldRowOf<Part>* field_named(std::string_view key) const {
    const auto found = std::ranges::find(fields, key, &FieldDescription::key);
    return found == fields.end() ? nullptr : &*found;
  }
};

using FieldRow = FieldRowOf<Scheme>;
using SchemeRow = PartRow<Scheme>;
using StageFieldRow = FieldRowOf<Stage>;
using StageRow = PartRow<Stage>;

/// The tables of both kinds of parts.
template <class Part>
[[nodiscard]] std::span<const PartRow<Part>> part_rows();
template <>
[[nodiscard]] std::span<const SchemeRow> part_rows<Scheme>();
template <>
[[nodiscard]] std::span<const StageRow> part_rows<Stage>();

[[nodiscard]] inline std::span<const SchemeRow> scheme_rows() { return part_rows<Scheme>(); }
[[nodiscard]] inline std::span<const StageRow> stage_rows() { return part_rows<Stage>(); }

template <class Part>
[[nodiscard]] const PartRow<Part>& row_of(const Part& part) {
  return part_rows<Part>()[part.index()];
}
/// Null if there is no such scheme or stage.
template <class Part>
[[nodiscard]] const PartRow<Part>* part_named(std::string_view name) {
  const auto rows = part_rows<Part>();
  const auto found = std::ranges::find(rows, name, &PartRow<Part>::name);
  return found == rows.end() ? nullptr : &*found;
}
[[nodiscard]] inline const SchemeRow* scheme_named(std::string_view name) { return part_named<Scheme>(name); }
[[nodiscard]] inline const StageRow* stage_named(std::string_view name) { return part_named<Stage>(name); }

[[nodiscard]] std::string_view name_of(Clip clip);
[[nodiscard]] std::string_view name_of(ActivationType type);
[[nodiscard]] std::string_view name_of(CalibratorKind kind);
[[nodiscard]] std::string_view name_of(Float8Format format);

}  // namespace titrate
