// From what is written to configs: checks every name and value against the table of fields and makes the product of the lists.
#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/fields.hpp"
#include "engine/config/overrides.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

std::string suggestion(std::string_view word, const std::vector<std::string>& allowed) {
  const std::optional<std::string> near = nearest(word, allowed);
  return near ? cat("did you mean '", *near, "'? ") : "";
}

const SchemeRow& checked_scheme(const SchemeSyntax& syntax) {
  if (const SchemeRow* row = scheme_named(syntax.name)) return *row;
  std::vector<std::string> names;
  for (const SchemeRow& row : scheme_rows()) names.emplace_back(row.name);
  throw_usage(cat("unknown scheme '", visible(syntax.name), "'"), syntax.where,
              cat(suggestion(syntax.name, names), "the schemes are ", join(names, ", ")));
}

const FieldRow& checked_field(const SchemeRow& scheme, const FieldSyntax& syntax) {
  if (const FieldRow* row = scheme.field_named(syntax.key)) return *row;
  std::vector<std::string> keys;
  for (const FieldRow& row : scheme.fields) keys.emplace_back(row.key);
  const std::string allowed = keys.empty() ? cat(scheme.name, " has no fields") : cat("its fields are ", join(keys, ", "));
  throw_usage(cat(scheme.name, " has no field '", visible(syntax.key), "'"), syntax.where, cat(suggestion(syntax.key, keys), allowed));
}

// JSON says of which type a value is: "4" is no integer and 1 is not true.
bool type_fits(Atom::Type type, FieldKind kind) {
  switch (type) {
    case Atom::Type::word:
      return true;
    case Atom::Type::string:
      return kind == FieldKind::enumeration;
    case Atom::Type::boolean:
      return kind == FieldKind::boolean;
    case Atom::Type::integer:
      return kind == FieldKind::integer || kind == FieldKind::number;
    case Atom::Type::number:
      return kind == FieldKind::number;
  }
  return false;
}

FieldValue checked_value(const SchemeRow& scheme, const FieldRow& field, const FieldSyntax& syntax, const Atom& atom) {
  if (type_fits(atom.type, field.kind)) {
    if (const std::optional<FieldValue> value = field.value_of(atom.text)) return *value;
  }
  const std::string written = atom.type == Atom::Type::string ? cat('"', visible(atom.text), '"') : visible(atom.text);
  const std::vector<std::string> names(field.names.begin(), field.names.end());
  const std::string kind = field.names.empty() ? cat(field.kind == FieldKind::integer ? "an " : "a ", field.type_text(), ", ") : "";
  throw_usage(cat(scheme.name, ": ", field.key, "=", written, " is not allowed"), syntax.where,
              cat(suggestion(atom.text, names), field.key, " is ", kind, field.range_text()));
}

// One list: the field of the config's scheme (0) or of its n-th override (n) takes each of the values.
struct Axis {
  std::size_t scheme = 0;
  const FieldRow* field = nullptr;
  std::vector<FieldValue> values;
};

Scheme checked(const SchemeSyntax& syntax, std::size_t index, std::vector<Axis>& axes) {
  const SchemeRow& row = checked_scheme(syntax);
  Scheme scheme = row.defaults;
  std::vector<std::string_view> seen;
  for (const FieldSyntax& written : syntax.fields) {
    const FieldRow& field = checked_field(row, written);
    if (std::ranges::find(seen, field.key) != seen.end()) {
      throw_usage(cat(row.name, ": ", field.key, " is given twice"), written.where,
                  cat("several values are a list: ", field.key, "=[...]"));
    }
    seen.push_back(field.key);
    std::vector<FieldValue> values;
    for (const Atom& atom : written.values) values.push_back(checked_value(row, field, written, atom));
    field.set(scheme, values.front());
    if (values.size() > 1) axes.push_back({index, &field, std::move(values)});
  }
  return scheme;
}

std::vector<Override> checked_overrides(const ConfigSyntax& syntax, std::vector<Axis>& axes) {
  std::vector<Override> overrides;
  for (const OverrideSyntax& written : syntax.overrides) {
    const bool twice = std::ranges::any_of(
        overrides, [&](const Override& other) { return other.kind == written.kind && other.pattern == written.pattern; });
    if (twice) throw_usage(cat(visible(selector_text(written.kind, written.pattern)), " is given twice"), written.where);
    if (written.pattern.empty()) throw_usage("an override needs a name, an expression or a type", written.where);
    if (written.kind == Override::Kind::regex) check_expression(written.pattern, written.where);
    Scheme scheme = checked(written.scheme, overrides.size() + 1, axes);
    overrides.push_back({written.kind, written.pattern, std::move(scheme)});
  }
  return overrides;
}

// Counts through the product like an odometer: the last list runs fastest. False when all of it has been seen.
bool advance(std::vector<std::size_t>& digits, const std::vector<Axis>& axes) {
  for (std::size_t index = axes.size(); index-- > 0;) {
    if (++digits[index] < axes[index].values.size()) return true;
    digits[index] = 0;
  }
  return false;
}

void check_count(const std::vector<Axis>& axes, std::size_t before, const std::string& where) {
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    count *= axis.values.size();  // both factors stay below 2^32: lists are no longer than the text
    if (count > most_configs - before) {
      throw_usage(cat("the lists make more than ", most_configs, " configs"), where, "shorten the lists");
    }
  }
}

}  // namespace

void refuse_stage(const std::string& name, std::string where) {
  throw_usage(cat("unknown stage '", visible(name), "'"), std::move(where), "no stages are known yet: a config begins with its scheme");
}

std::vector<Config> expand(const std::vector<ConfigSyntax>& set) {
  std::vector<Config> configs;
  std::unordered_set<std::string> texts;
  std::size_t made = 0;
  for (const ConfigSyntax& syntax : set) {
    std::vector<Axis> axes;
    Config config{checked(syntax.scheme, 0, axes), {}};
    config.overrides = checked_overrides(syntax, axes);
    check_count(axes, made, syntax.scheme.where);
    std::vector<std::size_t> digits(axes.size());
    do {
      for (std::size_t index = 0; index < axes.size(); ++index) {
        const Axis& axis = axes[index];
        Scheme& scheme = axis.scheme == 0 ? config.scheme : config.overrides[axis.scheme - 1].scheme;
        axis.field->set(scheme, axis.values[digits[index]]);
      }
      ++made;
      if (texts.insert(to_text(config)).second) configs.push_back(canonical(config));
    } while (advance(digits, axes));
  }
  return configs;
}

}  // namespace titrate
