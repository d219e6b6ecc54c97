// Golden vectors of tests/golden: {"what", "source", "notes", "cases"}. Numbers that JSON cannot hold are the texts "inf", "-inf", "nan".
#pragma once

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace titrate::engine {

/// The cases of a file; with `kind`, only those that say so.
inline std::vector<nlohmann::json> golden_cases(const std::string& file, const std::string& kind = {}) {
  std::ifstream stream(std::string(TITRATE_SOURCE_DIR) + "/tests/golden/" + file);
  nlohmann::json whole = nlohmann::json::parse(stream);
  std::vector<nlohmann::json> chosen;
  for (nlohmann::json& each : whole.at("cases")) {
    if (kind.empty() || each.value("kind", "") == kind) chosen.push_back(std::move(each));
  }
  if (chosen.empty()) throw std::runtime_error("no cases of kind '" + kind + "' in " + file);
  return chosen;
}

inline double golden_number(const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  throw std::runtime_error("not a number: " + value.dump());
}

inline float golden_float(const nlohmann::json& value) { return static_cast<float>(golden_number(value)); }

inline std::vector<float> golden_floats(const nlohmann::json& values) {
  std::vector<float> numbers;
  for (const nlohmann::json& value : values) numbers.push_back(golden_float(value));
  return numbers;
}

}  // namespace titrate::engine
