// titrate configs: what a set expands to; without one every scheme, its fields, types, ranges and defaults.
#include "engine/base/text.hpp"
#include "engine/config/built_in_sets.hpp"
#include "engine/config/config.hpp"
#include "engine/config/config_json.hpp"
#include "engine/config/fields.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/output.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::optional<std::string> set;
  bool json = false;
};

template <class Part>
std::string parts_text() {
  std::string text;
  for (const PartRow<Part>& part : part_rows<Part>()) {
    text += cat(part.name, "  ", part.what, "\n");
    for (const FieldRowOf<Part>& field : part.fields) {
      text +=
          cat("  ", field.key, "=", part.default_text(field), "  ", field.type_text(), ", ", field.range_text(), ": ", field.help, "\n");
    }
  }
  return text;
}

std::string schemes_text() {
  std::string text = cat(parts_text<Scheme>(), "\nstages, before a scheme: equalize() + static_int8()\n", parts_text<Stage>());
  text += "\nsets\n";
  for (const ConfigSetRow& row : config_set_rows()) text += cat("  ", row.name, "  ", row.what, "\n");
  return text;
}

int list_schemes(bool json) {
  if (!json) {
    print_text(schemes_text());
    return 0;
  }
  nlohmann::ordered_json sets = nlohmann::ordered_json::array();
  for (const ConfigSetRow& row : config_set_rows()) sets.push_back({{"name", row.name}, {"what", row.what}, {"text", row.text}});
  print_json({{"schema", 1}, {"schemes", schemes_json()}, {"stages", stages_json()}, {"sets", sets}});
  return 0;
}

int run(const Options& options) {
  if (!options.set) return list_schemes(options.json);
  const std::vector<Config> configs = parse_config_set(*options.set);
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  std::string lines;
  for (const Config& config : configs) {
    texts.push_back({{"text", to_text(config)}, {"config", config_json(config)}});
    lines += visible(to_text(config)) + "\n";
  }
  if (options.json) {
    print_json({{"schema", 1}, {"configs", texts}});
  } else {
    print_text(lines);
  }
  return 0;
}

}  // namespace

Run add_configs(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("SET", options->set, "int8, weight_only, fp8, all, a config text, or a .json file");
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
