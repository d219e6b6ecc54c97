// From a config that fails to the smallest mixed one that passes: the most sensitive nodes go back to a wider type, as few as possible.
#pragma once

#include <optional>

#include "strategies/strategy.hpp"
#include "strategies/trial_index.hpp"

namespace titrate {

/// How far the trials in the history bring the search.
struct MixedSearch {
  std::optional<Config> proposal;     ///< what has to be measured next; nothing: the search is over
  const TrialRecord* best = nullptr;  ///< when it is over: the smallest mixed config that was measured as passing; null: there is none
};

/// Replays the search that begins with `base`, which was tried and failed. With n quantized nodes:
/// 1. If the nodes go back to 8 bit: all of them at 8 bit. If that passes, the least k of which the k most sensitive at 8 bit pass is found
///    by bisection. If it fails, 8 bit is not enough for some: with all others at 8 bit the least k that must be float is found by
///    bisection; then, with these float, the least number of the others that must be at 8 bit.
/// 2. If they go back to float: the least k < n that must be float, by bisection; all float is no quantized model and never proposed.
/// With bf16 as `widest` that takes the place of float, and all of them in bf16 is measured first: if it fails, no k passes.
/// Bisection takes the metric to be monotone in k. If noise makes it not so, the answer is still one that was measured as passing.
/// At most 1 + ceil(log2(n)) trials, or 2 + 2 ceil(log2(n + 1)) if 8 bit is not enough.
[[nodiscard]] MixedSearch search_mixed(const Config& base, const TrialRecord& base_trial, const Space& space, const TrialIndex& tried,
                                       const Scheme& widest = FloatScheme{});

}  // namespace titrate
