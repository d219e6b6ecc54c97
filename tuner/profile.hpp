// Where a model's time goes, node by node.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/run/executor.hpp"
#include "tuner/latency.hpp"

namespace titrate {

struct NodeTime {
  std::string name;
  std::string type;  ///< the operator, with its domain if it is not ONNX's own: "com.microsoft.QGemm"
  int calls = 0;
  double total_ms = 0;
};

/// One execution of one node.
struct NodeSpan {
  std::size_t node = 0;  ///< place in Profile::nodes
  int run = 0;           ///< from 0
  double begin_us = 0;   ///< since the profile began
  double duration_us = 0;
};

struct Profile {
  int runs = 0;
  double total_ms = 0;          ///< in all nodes
  std::vector<NodeTime> nodes;  ///< that ran, in the order of the graph; those that were folded into constants are none of them
  std::vector<NodeSpan> spans;  ///< of the first runs, at most ten
};

/// Runs for `options.seconds`, at least three times, after one run that is not counted.
[[nodiscard]] Profile profile_model(const std::shared_ptr<const engine::Plan>& plan, std::span<const engine::Tensor> inputs,
                                    const LatencyOptions& options);

/// The spans as a Chrome trace (chrome://tracing, Perfetto): JSON with one complete event ("X") for each.
[[nodiscard]] std::string chrome_trace(const Profile& profile);

}  // namespace titrate
