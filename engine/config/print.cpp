// Configs to their canonical text.
#include <algorithm>

#include "engine/config/fields.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

std::string_view kind_name(Override::Kind kind) {
  switch (kind) {
    case Override::Kind::name:
      return "name";
    case Override::Kind::regex:
      return "regex";
    case Override::Kind::between:
      return "between";
    case Override::Kind::position:
      return "position";
    case Override::Kind::type:
      return "type";
  }
  return {};
}

std::string quoted_if_needed(const std::string& pattern) {
  if (!pattern.empty() && std::ranges::all_of(pattern, is_bare)) return pattern;
  std::string text = "\"";
  for (const char letter : pattern) {
    if (letter == '"' || letter == '\\') text += '\\';
    text += letter;
  }
  return text + '"';
}

}  // namespace

std::string selector_text(Override::Kind kind, const std::string& pattern) {
  return std::string(kind_name(kind)) + ":" + quoted_if_needed(pattern);
}

namespace {

template <class Part>
std::string part_text(const Part& part) {
  const PartRow<Part>& row = row_of(part);
  std::string fields;
  for (const FieldRowOf<Part>& field : row.fields) {
    const FieldValue value = field.get(part);
    if (value == row.default_of(field)) continue;
    if (!fields.empty()) fields += ',';
    fields.append(field.key).append("=").append(field.value_text(value));
  }
  return std::string(row.name) + "(" + fields + ")";
}

std::string with_stages(const std::vector<Stage>& stages, const Scheme& scheme) {
  std::string text;
  for (const Stage& stage : stages) text += to_text(stage) + " + ";
  return text + to_text(scheme);
}

}  // namespace

std::string to_text(const Scheme& scheme) { return std::holds_alternative<FloatScheme>(scheme) ? "float" : part_text(scheme); }

std::string to_text(const Stage& stage) { return part_text(stage); }

Config canonical(Config config) {
  std::ranges::stable_sort(config.overrides, [](const Override& first, const Override& second) {
    if (first.kind != second.kind) return first.kind < second.kind;
    const bool ordered = first.kind == Override::Kind::regex || first.kind == Override::Kind::between;
    return !ordered && first.pattern < second.pattern;
  });
  return config;
}

std::string to_text(const Config& config) {
  std::string text = with_stages(config.stages, config.scheme);
  if (config.overrides.empty()) return text;
  for (const Override& each : canonical(config).overrides) {
    text += " | " + selector_text(each.kind, each.pattern) + " = " + with_stages(each.stages, each.scheme);
  }
  return text;
}

std::uint64_t hash_of(const Config& config) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : to_text(config)) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return hash;
}

std::string_view scheme_name(const Scheme& scheme) { return row_of(scheme).name; }
std::string_view stage_name(const Stage& stage) { return row_of(stage).name; }

}  // namespace titrate
