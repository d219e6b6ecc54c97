// Which nodes saturate on data, on processors whose 8-bit products are added in 16 bits.
#pragma once

#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/graph/graph.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

struct NodeSaturation {
  std::string name;
  std::int64_t outputs = 0;  ///< numbers that the node made
  std::int64_t changed = 0;  ///< of them, those that saturation changes
};

/// For each node whose weights allow it, over the first `samples` samples, each node fed what exact arithmetic gives before it. A node
/// that never changes needs no reduced range.
[[nodiscard]] std::vector<NodeSaturation> measure_saturation(const engine::Model& model, const Dataset& data, std::int64_t samples,
                                                             const LoopControl& control);

}  // namespace titrate
