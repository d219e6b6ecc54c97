// The one description of the schemes and their fields. Parsing, printing, enumerating, JSON and the command line's listing all read it: a
// new field is a member of its scheme's struct and a row in fields.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "engine/config/config.hpp"

namespace titrate {

enum class FieldKind : std::uint8_t { integer, boolean, enumeration, number };

/// The value of a field, whatever its type: integers as they are, booleans 0 or 1, enumerations by their place in FieldRow::names;
/// numbers as double.
using FieldValue = std::variant<std::int64_t, double>;

/// One field of a scheme.
struct FieldRow {
  std::string_view key;
  FieldKind kind;
  std::string_view help;
  std::span<const std::string_view> names;  ///< of booleans and enumerations, in the order of their values
  std::span<const std::int64_t> also;       ///< integers that are allowed beside least..most
  std::int64_t least = 0;                   ///< of integers
  std::int64_t most = 0;
  double above = 0;  ///< numbers lie in (above, up_to]
  double up_to = 0;
  FieldValue (*get)(const Scheme& scheme);            ///< `scheme` must be of this field's scheme
  void (*set)(Scheme& scheme, const FieldValue& to);  ///< `to` must be allowed

  /// "integer", "boolean", "enumeration", "number"
  [[nodiscard]] std::string_view type_text() const;
  /// What is allowed: "2 to 8", "true or false", "one of none, mse", "above 50, up to 100".
  [[nodiscard]] std::string range_text() const;
  /// The value as a config text spells it.
  [[nodiscard]] std::string value_text(const FieldValue& value) const;
  /// The value that a word stands for; nothing if it is no value of this type or out of range.
  [[nodiscard]] std::optional<FieldValue> value_of(std::string_view word) const;
};

/// One scheme. The rows stand in the order of Scheme's alternatives.
struct SchemeRow {
  std::string_view name;
  std::string_view what;
  std::span<const FieldRow> fields;
  Scheme defaults;

  /// The value that the field has if it is not named.
  [[nodiscard]] FieldValue default_of(const FieldRow& field) const { return field.get(defaults); }
  [[nodiscard]] std::string default_text(const FieldRow& field) const { return field.value_text(default_of(field)); }
  /// Null if there is no such field.
  [[nodiscard]] const FieldRow* field_named(std::string_view key) const;
};

[[nodiscard]] std::span<const SchemeRow> scheme_rows();
[[nodiscard]] const SchemeRow& row_of(const Scheme& scheme);
/// Null if there is no such scheme.
[[nodiscard]] const SchemeRow* scheme_named(std::string_view name);

[[nodiscard]] std::string_view name_of(Clip clip);
[[nodiscard]] std::string_view name_of(ActivationType type);
[[nodiscard]] std::string_view name_of(CalibratorKind kind);
[[nodiscard]] std::string_view name_of(Float8Format format);

}  // namespace titrate
