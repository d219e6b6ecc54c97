// A comparison as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "reports/comparison.hpp"

namespace titrate {

/// One document with `"schema": 1`. Unknown is null; 999 dB: equal.
[[nodiscard]] nlohmann::ordered_json comparison_json(const ComparisonRecord& comparison);

}  // namespace titrate
