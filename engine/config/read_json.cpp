// {"configs": [{"scheme": "rtn", "bits": 4, "sym": [true, false], "overrides": [{"type": "Gemm", "scheme": "float"}]}]}, or one config
// alone.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/subgraph.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

using Json = nlohmann::ordered_json;  // the order of keys is the order in which lists run

constexpr int deepest = 64;
constexpr std::string_view shape = R"(expected {"configs":[{"scheme":"rtn","bits":4,"overrides":[{"type":"Gemm","scheme":"float"}]}]})";

[[noreturn]] void fail(const std::string& what, const std::string& where) { throw_usage(what, where, std::string(shape)); }

// Refuses what the parser alone would let pass: deep nesting and keys that are given twice.
class Guard {
 public:
  explicit Guard(const std::string& source) : source_(source) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if ((event == Event::object_start || event == Event::array_start) && depth >= deepest) {
      fail(cat("nested deeper than ", deepest), source_);
    }
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(value.get<std::string>()).second) {
      fail(cat("the key '", visible(value.get<std::string>()), "' is given twice"), source_);
    }
    return true;
  }

 private:
  const std::string& source_;
  std::vector<std::set<std::string>> keys_;
};

Json parsed(std::string_view text, const std::string& source) {
  Guard guard(source);
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& value) { return guard(depth, event, value); });
  } catch (const Json::exception& error) {
    fail(cat("not JSON: ", visible(error.what())), source);
  }
}

const std::string& text_of(const Json& value, const std::string& where) {
  if (!value.is_string()) fail(cat("expected a string, found ", value.type_name()), where);
  return value.get_ref<const std::string&>();
}

Atom atom(const Json& value, const std::string& where) {
  if (value.is_string()) return {value.get<std::string>(), Atom::Type::string};
  if (value.is_boolean()) return {value.get<bool>() ? "true" : "false", Atom::Type::boolean};
  if (value.is_number_unsigned()) return {std::to_string(value.get<std::uint64_t>()), Atom::Type::integer};
  if (value.is_number_integer()) return {std::to_string(value.get<std::int64_t>()), Atom::Type::integer};
  if (value.is_number_float()) return {shortest(value.get<double>()), Atom::Type::number};
  fail(cat("expected a value, found ", value.type_name()), where);
}

FieldSyntax field(const std::string& key, const Json& value, const std::string& where) {
  FieldSyntax field{key, {}, cat(where, ".", visible(key))};
  if (!value.is_array()) {
    field.values.push_back(atom(value, field.where));
    return field;
  }
  if (value.empty()) fail("the list is empty", field.where);
  for (const Json& item : value) field.values.push_back(atom(item, field.where));
  return field;
}

std::optional<Override::Kind> kind_named(const std::string& key) {
  using Row = std::pair<std::string_view, Override::Kind>;
  constexpr std::array<Row, 5> rows = {Row{"name", Override::Kind::name}, Row{"regex", Override::Kind::regex},
                                       Row{"between", Override::Kind::between}, Row{"position", Override::Kind::position},
                                       Row{"type", Override::Kind::type}};
  for (const auto& [name, kind] : rows) {
    if (key == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> names_of_nodes(const Json& subgraph, const std::string& key, const std::string& where) {
  if (!subgraph.contains(key) || !subgraph[key].is_array() || subgraph[key].empty())
    fail(cat("between has a list of at least one node under ", key), where);
  std::vector<std::string> names;
  for (const Json& item : subgraph[key]) names.push_back(text_of(item, where + "." + key));
  return names;
}

// {"inputs": [..], "outputs": [..]} of between, a number or a word of position, else a string.
std::string pattern_of(Override::Kind kind, const Json& value, const std::string& where) {
  if (kind == Override::Kind::position && value.is_number_integer()) return value.dump();
  if (kind != Override::Kind::between || !value.is_object()) return text_of(value, where);
  return to_text(SubgraphSelector{.inputs = names_of_nodes(value, "inputs", where), .outputs = names_of_nodes(value, "outputs", where)});
}

// "equalize", or {"stage": "smoothquant", "alpha": 0.5}.
PartSyntax a_stage(const Json& item, const std::string& where) {
  PartSyntax stage;
  stage.where = where;
  if (item.is_string()) {
    stage.name = item.get<std::string>();
    return stage;
  }
  if (!item.is_object() || !item.contains("stage")) fail(R"(expected a stage: its name or {"stage":"smoothquant","alpha":0.5})", where);
  for (const auto& [key, value] : item.items()) {
    if (key == "stage") {
      stage.name = text_of(value, where + ".stage");
    } else {
      stage.fields.push_back(field(key, value, where));
    }
  }
  return stage;
}

std::vector<PartSyntax> all_stages(const Json& list, const std::string& where) {
  if (!list.is_array()) fail(cat("expected a list of stages, found ", list.type_name()), where);
  std::vector<PartSyntax> stages;
  for (const Json& item : list) stages.push_back(a_stage(item, cat(where, "[", stages.size(), "]")));
  return stages;
}

OverrideSyntax an_override(const Json& object, const std::string& where) {
  if (!object.is_object()) fail(cat("expected an override, found ", object.type_name()), where);
  OverrideSyntax result;
  result.where = where;
  result.scheme.where = where;
  std::size_t selectors = 0;
  for (const auto& [key, value] : object.items()) {
    if (const std::optional<Override::Kind> kind = kind_named(key)) {
      ++selectors;
      result.kind = *kind;
      result.pattern = pattern_of(*kind, value, where + "." + key);
    } else if (key == "scheme") {
      result.scheme.name = text_of(value, where + ".scheme");
    } else if (key == "stages") {
      result.stages = all_stages(value, where + ".stages");
    } else {
      result.scheme.fields.push_back(field(key, value, where));
    }
  }
  if (selectors != 1) fail("an override has exactly one of name, regex, between, position and type", where);
  if (!object.contains("scheme")) fail("an override has a scheme", where);
  return result;
}

std::vector<OverrideSyntax> all_overrides(const Json& list, const std::string& where) {
  if (!list.is_array()) fail(cat("expected a list of overrides, found ", list.type_name()), where);
  std::vector<OverrideSyntax> overrides;
  for (const Json& item : list) overrides.push_back(an_override(item, cat(where, "[", overrides.size(), "]")));
  return overrides;
}

ConfigSyntax config(const Json& object, const std::string& where) {
  if (!object.is_object()) fail(cat("expected a config, found ", object.type_name()), where);
  if (!object.contains("scheme")) fail("a config has a scheme", where);
  ConfigSyntax result;
  result.scheme.where = where;
  for (const auto& [key, value] : object.items()) {
    if (key == "scheme") {
      result.scheme.name = text_of(value, where + ".scheme");
    } else if (key == "overrides") {
      result.overrides = all_overrides(value, where + ".overrides");
    } else if (key == "stages") {
      result.stages = all_stages(value, where + ".stages");
    } else {
      result.scheme.fields.push_back(field(key, value, where));
    }
  }
  return result;
}

void check_keys_of_set(const Json& set, const std::string& source) {
  for (const auto& [key, value] : set.items()) {
    if (key == "schema" && value != 1) fail(cat("unknown schema ", visible(value.dump())), source);
    if (key != "schema" && key != "configs") fail(cat("unknown key '", visible(key), "': allowed are schema, configs"), source);
  }
}

}  // namespace

std::vector<ConfigSyntax> read_json(std::string_view text, const std::string& source) {
  const Json document = parsed(text, source);
  if (document.is_object() && document.contains("scheme")) return {config(document, source)};
  if (!document.is_object() || !document.contains("configs")) fail("no config in this JSON", source);
  check_keys_of_set(document, source);
  const Json& list = document["configs"];
  if (!list.is_array() || list.empty()) fail("configs is not a list of at least one config", source);
  std::vector<ConfigSyntax> configs;
  for (const Json& item : list) configs.push_back(config(item, cat(source, ", configs[", configs.size(), "]")));
  return configs;
}

}  // namespace titrate
