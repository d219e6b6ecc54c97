// A set's name, a text, JSON or a .json file: tells them apart and reads them.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/built_in_sets.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

constexpr std::uintmax_t largest_file = std::uintmax_t{16} << 20;

std::string set_names() {
  std::vector<std::string> names;
  for (const ConfigSetRow& row : config_set_rows()) names.emplace_back(row.name);
  return join(names, ", ");
}

std::string contents(const std::string& path) {
  const std::string where = visible(path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw_usage(cat("no config file '", where, "'"), {}, cat("a config text, a .json file or one of the sets ", set_names()));
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size > largest_file) throw_usage("the config file is larger than 16 MiB or cannot be read", where);
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw_usage("the config file cannot be read", where);
  return text;
}

std::vector<ConfigSyntax> read(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (trimmed.starts_with('{') || trimmed.starts_with('[')) return read_json(trimmed, "config JSON");
  if (trimmed.ends_with(".json")) return read_json(contents(std::string(trimmed)), visible(trimmed));
  return read_text(text);
}

}  // namespace

Config parse_config(std::string_view text) {
  const std::vector<Config> configs = expand(read(text));
  if (configs.size() != 1) {
    throw_usage(cat("one config is wanted here, this makes ", configs.size()), cat("config '", visible(text.substr(0, 120)), "'"),
                "leave out lists and ';'");
  }
  return configs.front();
}

std::vector<Config> parse_config_set(std::string_view text) {
  // "fp8" names both a set and a scheme: alone it is the set, "fp8()" is the scheme.
  if (const ConfigSetRow* row = config_set_named(trim(text))) return expand(read_text(row->text));
  try {
    return expand(read(text));
  } catch (Error& error) {
    if (error.message().starts_with("unknown scheme")) error.with_hint(cat(error.hint(), "; the sets are ", set_names()));
    throw;
  }
}

}  // namespace titrate
