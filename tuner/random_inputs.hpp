// Inputs for measuring time where there is no data: made up from what the model says of its inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate {

struct RandomInput {
  std::string name;
  engine::Tensor tensor;
  std::string content;  ///< in words: "random in [-1, 1)"
};

/// One for each graph input. Sizes that the model leaves open: the leading one of an input, and all of the same name, are `batch`,
/// others 1. Float types are uniform in [-1, 1); uint8 and int8 take their whole range; wider integers are 0 or 1, since they may be
/// indices; booleans are true or false. The same seed gives the same bytes. Throws Error(invalid) naming the input where type or rank is
/// unknown or nothing can be made up (strings).
[[nodiscard]] std::vector<RandomInput> random_inputs(const engine::Graph& graph, std::int64_t batch, std::uint64_t seed);

/// The sizes that random_inputs() chose because the model leaves them open, in words: "x[0] (batch) = 4"; empty if there are none.
[[nodiscard]] std::vector<std::string> open_sizes(const engine::Graph& graph, std::int64_t batch);

/// The leading size of the first input: -1 if the model leaves it open, 1 if there is none.
[[nodiscard]] std::int64_t fixed_batch(const engine::Graph& graph);

}  // namespace titrate
