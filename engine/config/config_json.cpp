#include "engine/config/config_json.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/config/fields.hpp"
#include "engine/config/subgraph.hpp"

namespace titrate {

namespace {

using Json = nlohmann::ordered_json;

Json value_json(const FieldDescription& field, const FieldValue& value) {
  switch (field.kind) {
    case FieldKind::integer:
      return std::get<std::int64_t>(value);
    case FieldKind::boolean:
      return std::get<std::int64_t>(value) != 0;
    case FieldKind::number:
      if (field.word.empty() || std::get<double>(value) != field.word_value) return std::get<double>(value);
      break;
    case FieldKind::enumeration:
      break;
  }
  return field.value_text(value);
}

template <class Part>
void add_fields(Json& object, const Part& part) {
  const PartRow<Part>& row = row_of(part);
  for (const FieldRowOf<Part>& field : row.fields) {
    const FieldValue value = field.get(part);
    if (value != row.default_of(field)) object[std::string(field.key)] = value_json(field, value);
  }
}

// Of a config or an override.
void add_scheme(Json& object, const std::vector<Stage>& stages, const Scheme& scheme) {
  if (!stages.empty()) {
    Json list = Json::array();
    for (const Stage& stage : stages) {
      Json item{{"stage", stage_name(stage)}};
      add_fields(item, stage);
      list.push_back(std::move(item));
    }
    object["stages"] = std::move(list);
  }
  object["scheme"] = scheme_name(scheme);
  add_fields(object, scheme);
}

template <class Part>
Json field_json(const PartRow<Part>& row, const FieldRowOf<Part>& field) {
  Json object{{"name", field.key},
              {"type", field.type_text()},
              {"allowed", field.range_text()},
              {"default", value_json(field, row.default_of(field))},
              {"help", field.help}};
  if (field.kind == FieldKind::enumeration) object["values"] = Json(std::vector<std::string>(field.names.begin(), field.names.end()));
  return object;
}

}  // namespace

Json config_json(const Config& config) {
  constexpr std::array<const char*, 5> kinds = {"name", "regex", "between", "position", "type"};
  Json object;
  add_scheme(object, config.stages, config.scheme);
  if (config.overrides.empty()) return object;
  Json list = Json::array();
  for (const Override& each : canonical(config).overrides) {
    Json item;
    Json& selector = item[kinds[static_cast<std::size_t>(each.kind)]];
    selector = each.pattern;
    if (each.kind == Override::Kind::between) {
      const SubgraphSelector subgraph = parse_subgraph(each.pattern);
      selector = {{"inputs", subgraph.inputs}, {"outputs", subgraph.outputs}};
    }
    add_scheme(item, each.stages, each.scheme);
    list.push_back(std::move(item));
  }
  object["overrides"] = std::move(list);
  return object;
}

std::string to_json_text(std::span<const Config> configs) {
  Json list = Json::array();
  for (const Config& config : configs) list.push_back(config_json(config));
  return Json{{"configs", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

namespace {

template <class Part>
Json parts_json() {
  Json list = Json::array();
  for (const PartRow<Part>& row : part_rows<Part>()) {
    Json fields = Json::array();
    for (const FieldRowOf<Part>& field : row.fields) fields.push_back(field_json(row, field));
    list.push_back(Json{{"name", row.name}, {"what", row.what}, {"fields", std::move(fields)}});
  }
  return list;
}

}  // namespace

Json schemes_json() { return parts_json<Scheme>(); }
Json stages_json() { return parts_json<Stage>(); }

}  // namespace titrate
