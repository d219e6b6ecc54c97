// From what is written to configs: checks every name and value against the table of fields and makes the product of the lists.
#include <algorithm>
#include <functional>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/fields.hpp"
#include "engine/config/overrides.hpp"
#include "engine/config/subgraph.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

std::string suggestion(std::string_view word, const std::vector<std::string>& allowed) {
  const std::optional<std::string> near = nearest(word, allowed);
  return near ? cat("did you mean '", *near, "'? ") : "";
}

template <class Part>
constexpr std::string_view kind_of = std::is_same_v<Part, Stage> ? "stage" : "scheme";

template <class Part>
std::vector<std::string> names_of_rows() {
  std::vector<std::string> names;
  for (const PartRow<Part>& row : part_rows<Part>()) names.emplace_back(row.name);
  return names;
}

// A name of the other kind is in the wrong place, not unknown.
template <class Part>
const PartRow<Part>& checked_part(const PartSyntax& syntax) {
  if (const PartRow<Part>* row = part_named<Part>(syntax.name)) return *row;
  using Other = std::conditional_t<std::is_same_v<Part, Stage>, Scheme, Stage>;
  if (part_named<Other>(syntax.name) != nullptr)
    throw_usage(cat(syntax.name, " is a ", kind_of<Other>, ", not a ", kind_of<Part>), syntax.where,
                "stages come first and the scheme last: equalize() + static_int8()");
  const std::vector<std::string> names = names_of_rows<Part>();
  throw_usage(cat("unknown ", kind_of<Part>, " '", visible(syntax.name), "'"), syntax.where,
              cat(suggestion(syntax.name, names), "the ", kind_of<Part>, "s are ", join(names, ", ")));
}

template <class Part>
const FieldRowOf<Part>& checked_field(const PartRow<Part>& part, const FieldSyntax& syntax) {
  if (const FieldRowOf<Part>* row = part.field_named(syntax.key)) return *row;
  std::vector<std::string> keys;
  for (const FieldRowOf<Part>& row : part.fields) keys.emplace_back(row.key);
  const std::string allowed = keys.empty() ? cat(part.name, " has no fields") : cat("its fields are ", join(keys, ", "));
  throw_usage(cat(part.name, " has no field '", visible(syntax.key), "'"), syntax.where, cat(suggestion(syntax.key, keys), allowed));
}

// JSON says of which type a value is: "4" is no integer and 1 is not true.
bool type_fits(Atom::Type type, const FieldDescription& field) {
  const FieldKind kind = field.kind;
  switch (type) {
    case Atom::Type::word:
      return true;
    case Atom::Type::string:
      return kind == FieldKind::enumeration || !field.word.empty();
    case Atom::Type::boolean:
      return kind == FieldKind::boolean;
    case Atom::Type::integer:
      return kind == FieldKind::integer || kind == FieldKind::number;
    case Atom::Type::number:
      return kind == FieldKind::number;
  }
  return false;
}

FieldValue checked_value(std::string_view part, const FieldDescription& field, const FieldSyntax& syntax, const Atom& atom) {
  if (type_fits(atom.type, field)) {
    if (const std::optional<FieldValue> value = field.value_of(atom.text)) return *value;
  }
  const std::string written = atom.type == Atom::Type::string ? cat('"', visible(atom.text), '"') : visible(atom.text);
  const std::vector<std::string> names(field.names.begin(), field.names.end());
  const std::string kind = field.names.empty() ? cat(field.kind == FieldKind::integer ? "an " : "a ", field.type_text(), ", ") : "";
  throw_usage(cat(part, ": ", field.key, "=", written, " is not allowed"), syntax.where,
              cat(suggestion(atom.text, names), field.key, " is ", kind, field.range_text()));
}

// One list: a field of a config takes each of the values.
struct Axis {
  std::function<void(Config& config, const FieldValue& value)> set;
  std::vector<FieldValue> values;
};

// `find` gives the part in a config that the lists belong to.
template <class Part>
Part checked(const PartSyntax& syntax, const std::function<Part&(Config&)>& find, std::vector<Axis>& axes) {
  const PartRow<Part>& row = checked_part<Part>(syntax);
  Part part = row.defaults;
  std::vector<std::string_view> seen;
  for (const FieldSyntax& written : syntax.fields) {
    const FieldRowOf<Part>& field = checked_field(row, written);
    if (std::ranges::find(seen, field.key) != seen.end()) {
      throw_usage(cat(row.name, ": ", field.key, " is given twice"), written.where,
                  cat("several values are a list: ", field.key, "=[...]"));
    }
    seen.push_back(field.key);
    std::vector<FieldValue> values;
    for (const Atom& atom : written.values) values.push_back(checked_value(row.name, field, written, atom));
    field.set(part, values.front());
    const auto set = [find, &field](Config& config, const FieldValue& value) { field.set(find(config), value); };
    if (values.size() > 1) axes.push_back({set, std::move(values)});
  }
  return part;
}

// `list` gives the stages of a config that are checked: its own or those of an override.
std::vector<Stage> checked_stages(const std::vector<PartSyntax>& syntax, const std::function<std::vector<Stage>&(Config&)>& list,
                                  std::vector<Axis>& axes) {
  std::vector<Stage> stages;
  for (const PartSyntax& written : syntax) {
    const std::size_t index = stages.size();
    Stage stage = checked<Stage>(
        written, [list, index](Config& config) -> Stage& { return list(config)[index]; }, axes);
    if (std::ranges::any_of(stages, [&](const Stage& other) { return other.index() == stage.index(); }))
      throw_usage(cat("the stage ", stage_name(stage), " is given twice"), written.where);
    stages.push_back(stage);
  }
  return stages;
}

void check_position(const std::string& pattern, const std::string& where) {
  if (pattern == "first" || pattern == "last" || parse_integer(pattern).value_or(0) >= 1) return;
  throw_usage(cat("position:", visible(pattern), " is none"), where, "a position is first, last, or a number from 1 on among the layers");
}

std::vector<Override> checked_overrides(const ConfigSyntax& syntax, std::vector<Axis>& axes) {
  std::vector<Override> overrides;
  for (const OverrideSyntax& written : syntax.overrides) {
    const bool twice = std::ranges::any_of(
        overrides, [&](const Override& other) { return other.kind == written.kind && other.pattern == written.pattern; });
    if (twice) throw_usage(cat(visible(selector_text(written.kind, written.pattern)), " is given twice"), written.where);
    if (written.pattern.empty()) throw_usage("an override needs a name, an expression or a type", written.where);
    if (written.kind == Override::Kind::regex) check_expression(written.pattern, written.where);
    if (written.kind == Override::Kind::between) (void)parse_subgraph(written.pattern, written.where);
    if (written.kind == Override::Kind::position) check_position(written.pattern, written.where);
    const std::size_t index = overrides.size();
    std::vector<Stage> stages = checked_stages(
        written.stages, [index](Config& config) -> std::vector<Stage>& { return config.overrides[index].stages; }, axes);
    Scheme scheme = checked<Scheme>(
        written.scheme, [index](Config& config) -> Scheme& { return config.overrides[index].scheme; }, axes);
    overrides.push_back({written.kind, written.pattern, std::move(scheme), std::move(stages), {}});
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

std::vector<Config> expand(const std::vector<ConfigSyntax>& set) {
  std::vector<Config> configs;
  std::unordered_set<std::string> texts;
  std::size_t made = 0;
  for (const ConfigSyntax& syntax : set) {
    std::vector<Axis> axes;
    Config config;
    config.stages = checked_stages(
        syntax.stages, [](Config& whole) -> std::vector<Stage>& { return whole.stages; }, axes);
    config.scheme = checked<Scheme>(
        syntax.scheme, [](Config& whole) -> Scheme& { return whole.scheme; }, axes);
    config.overrides = checked_overrides(syntax, axes);
    check_count(axes, made, syntax.scheme.where);
    std::vector<std::size_t> digits(axes.size());
    do {
      for (std::size_t index = 0; index < axes.size(); ++index) axes[index].set(config, axes[index].values[digits[index]]);
      ++made;
      if (texts.insert(to_text(config)).second) configs.push_back(canonical(config));
    } while (advance(digits, axes));
  }
  return configs;
}

}  // namespace titrate
