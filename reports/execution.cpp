#include "reports/execution.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"

namespace titrate {

std::string coverage_text(const TrialRecord& trial) {
  const std::optional<double> coverage = integer_coverage(trial.execution);
  if (!coverage) return {};
  // Rounded down: 100 % is said only where nothing is left.
  return cat(shortest(std::floor(*coverage * 1000) / 10), " %");
}

std::string execution_summary(const TrialRecord& trial) {
  if (trial.execution.empty()) return {};
  const std::string coverage = coverage_text(trial);
  const auto floats = std::ranges::count(trial.execution, false, &NodeExecution::integer);
  const std::string nodes = cat(floats, " of ", count_text(trial.execution.size(), "node"), floats == 1 ? " does not" : " do not");
  if (coverage.empty())
    return cat("nothing multiplies and accumulates; ", floats, " of ", count_text(trial.execution.size(), "node"), " in float");
  return cat(coverage, " of the multiply-accumulates run on integers; ", nodes);
}

std::vector<NodeExecution> float_nodes(const TrialRecord& trial) {
  std::vector<NodeExecution> nodes;
  std::ranges::copy_if(trial.execution, std::back_inserter(nodes), [](const NodeExecution& node) { return !node.integer; });
  std::ranges::stable_sort(nodes, std::ranges::greater(), [](const NodeExecution& node) { return node.multiply_accumulates.value_or(0); });
  return nodes;
}

std::string multiply_accumulates_text(const NodeExecution& node) {
  if (!node.multiply_accumulates) return "?";
  auto count = static_cast<double>(*node.multiply_accumulates);
  constexpr std::array units{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  while (count >= 1000 && unit + 1 < units.size()) {
    count /= 1000;
    ++unit;
  }
  return cat(rounded(count, 3), units[unit]);
}

}  // namespace titrate
