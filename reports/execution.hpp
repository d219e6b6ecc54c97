// How the nodes of a candidate run, in words: the share that runs on integers, and what does not.
#pragma once

#include <string>
#include <vector>

#include "tuner/study/trial.hpp"

namespace titrate {

/// "98.1 %" of the multiply-accumulates; "" where nothing was recorded or there are none.
[[nodiscard]] std::string coverage_text(const TrialRecord& trial);
/// "98.1 % of the multiply-accumulates run on integers; 2 of 23 nodes do not"; "" where nothing was recorded.
[[nodiscard]] std::string execution_summary(const TrialRecord& trial);
/// The nodes that run in float, those with most multiply-accumulates first.
[[nodiscard]] std::vector<NodeExecution> float_nodes(const TrialRecord& trial);
/// "1.2 M", "340", "?" where it is unknown.
[[nodiscard]] std::string multiply_accumulates_text(const NodeExecution& node);

}  // namespace titrate
