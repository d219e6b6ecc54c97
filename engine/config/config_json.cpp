#include "engine/config/config_json.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/config/fields.hpp"

namespace titrate {

namespace {

using Json = nlohmann::ordered_json;

Json value_json(const FieldRow& field, const FieldValue& value) {
  switch (field.kind) {
    case FieldKind::integer:
      return std::get<std::int64_t>(value);
    case FieldKind::boolean:
      return std::get<std::int64_t>(value) != 0;
    case FieldKind::number:
      return std::get<double>(value);
    case FieldKind::enumeration:
      break;
  }
  return field.value_text(value);
}

void add_scheme(Json& object, const Scheme& scheme) {
  const SchemeRow& row = row_of(scheme);
  object["scheme"] = row.name;
  for (const FieldRow& field : row.fields) {
    const FieldValue value = field.get(scheme);
    if (value != row.default_of(field)) object[std::string(field.key)] = value_json(field, value);
  }
}

Json field_json(const SchemeRow& row, const FieldRow& field) {
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
  constexpr std::array<const char*, 3> kinds = {"name", "regex", "type"};
  Json object;
  add_scheme(object, config.scheme);
  if (config.overrides.empty()) return object;
  Json list = Json::array();
  for (const Override& each : canonical(config).overrides) {
    Json item;
    item[kinds[static_cast<std::size_t>(each.kind)]] = each.pattern;
    add_scheme(item, each.scheme);
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

Json schemes_json() {
  Json list = Json::array();
  for (const SchemeRow& row : scheme_rows()) {
    Json fields = Json::array();
    for (const FieldRow& field : row.fields) fields.push_back(field_json(row, field));
    list.push_back(Json{{"name", row.name}, {"what", row.what}, {"fields", std::move(fields)}});
  }
  return list;
}

}  // namespace titrate
