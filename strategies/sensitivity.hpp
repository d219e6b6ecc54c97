// Which nodes suffer most from being quantized, and what it would take to lift them to a wider type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "strategies/strategy.hpp"

namespace titrate {

/// A quantized node that can go back to a wider scheme.
struct Liftable {
  std::string name;
  Scheme lifted;                ///< what it goes back to
  double noise = 0;             ///< noise over signal power of its output, quantized alone; 0: not measured
  std::int64_t more_bytes = 0;  ///< about what the candidate grows by
};

/// Where a node goes back to: weights of fewer than 8 bits to 8 bits, one scale for each output channel; everything else to `widest`:
/// float, or bf16, from where it goes back to float.
[[nodiscard]] Scheme lifted(const Scheme& scheme, const Scheme& widest = FloatScheme{});

/// The nodes that `config` quantizes, the most sensitive (lowest SQNR of the own output) first; those that were not measured last, in the
/// given order. Taken from the decisions of its trial or, if it has none, from the space.
[[nodiscard]] std::vector<Liftable> ranked_nodes(const Config& config, std::span<const LayerDecision> layers, const Space& space,
                                                 const Scheme& widest = FloatScheme{});

/// The config with overrides by name that lift these nodes.
[[nodiscard]] Config with_lifted(const Config& config, std::span<const Liftable> nodes);

/// How many of the ranked nodes have to be lifted until the loss is tolerable, if loss were in proportion to the sum of the nodes' noise.
/// It is not, but it orders configs well enough to know with which to begin.
[[nodiscard]] std::size_t predicted_lifts(std::span<const Liftable> ranked, double loss, double tolerable_loss);

}  // namespace titrate
