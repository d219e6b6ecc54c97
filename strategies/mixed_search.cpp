#include "strategies/mixed_search.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <vector>

#include "strategies/sensitivity.hpp"

namespace titrate {

namespace {

bool passed(const TrialRecord& trial) { return trial.state == TrialState::passed; }

bool goes_to_float(const Liftable& node) { return std::holds_alternative<FloatScheme>(node.lifted); }
// Not only to 8 bit.
bool goes_to_widest(const Liftable& node) { return goes_to_float(node) || std::holds_alternative<Bf16Scheme>(node.lifted); }

struct Bisection {
  std::optional<Config> proposal;
  std::ptrdiff_t count = 0;           // the least that passes
  const TrialRecord* best = nullptr;  // its trial; null if it is the `passing` that was given
};

// The least count in (failing, passing] that passes; `passing` is known to. Asks for what has not been measured.
Bisection bisect(std::ptrdiff_t failing, std::ptrdiff_t passing, const TrialIndex& tried,
                 const std::invocable<std::ptrdiff_t> auto& config_with) {
  Bisection result{std::nullopt, passing, nullptr};
  while (result.count - failing > 1) {
    const std::ptrdiff_t middle = failing + (result.count - failing) / 2;
    Config config = config_with(middle);
    const TrialRecord* trial = tried.find(config);
    if (trial == nullptr) {
      result.proposal = std::move(config);
      return result;
    }
    if (passed(*trial)) {
      result.count = middle;
      result.best = trial;
    } else {
      failing = middle;
    }
  }
  return result;
}

Bisection bisect_lifts(const Config& config, std::span<const Liftable> ranked, std::ptrdiff_t failing, const TrialIndex& tried) {
  return bisect(failing, std::ssize(ranked), tried,
                [&](std::ptrdiff_t count) { return with_lifted(config, ranked.first(static_cast<std::size_t>(count))); });
}

// All nodes lifted. Without overrides of its own that is the wider scheme itself, which may well have been tried already.
Config all_lifted(const Config& base, std::span<const Liftable> ranked) {
  const bool uniform =
      base.overrides.empty() && std::ranges::all_of(ranked, [&](const Liftable& node) { return node.lifted == ranked.front().lifted; });
  return uniform ? Config{.scheme = ranked.front().lifted} : with_lifted(base, ranked);
}

// All in the widest type is the float model, which passes, or it is measured.
MixedSearch search_widest(const Config& base, std::span<const Liftable> ranked, const TrialIndex& tried) {
  const TrialRecord* all = nullptr;
  if (!std::ranges::all_of(ranked, goes_to_float)) {
    Config wide = all_lifted(base, ranked);
    all = tried.find(wide);
    if (all == nullptr) return {std::move(wide), nullptr};
    if (!passed(*all)) return {};
  }
  const Bisection result = bisect_lifts(base, ranked, 0, tried);
  return {result.proposal, result.best != nullptr || result.proposal ? result.best : all};
}

// 8 bit is not enough for some nodes: `wide` has all at 8 bit and failed.
MixedSearch search_two_steps(const Config& base, std::span<const Liftable> ranked, const Config& wide, const TrialRecord& wide_trial,
                             std::span<const LayerDecision> base_layers, const Space& space, const TrialIndex& tried,
                             const Scheme& widest) {
  const std::vector<Liftable> to_widest = ranked_nodes(wide, wide_trial.layers.empty() ? base_layers : wide_trial.layers, space, widest);
  const Bisection widened = bisect_lifts(wide, to_widest, 0, tried);
  if (widened.proposal || widened.best == nullptr) return {widened.proposal, nullptr};
  const std::span<const Liftable> needed = std::span(to_widest).first(static_cast<std::size_t>(widened.count));
  std::vector<Liftable> others;
  std::ranges::copy_if(ranked, std::back_inserter(others), [&](const Liftable& node) {
    return !goes_to_widest(node) && std::ranges::find(needed, node.name, &Liftable::name) == needed.end();
  });
  const Bisection eights = bisect_lifts(with_lifted(base, needed), others, -1, tried);
  if (eights.proposal) return {eights.proposal, nullptr};
  return {std::nullopt, eights.best != nullptr ? eights.best : widened.best};
}

}  // namespace

MixedSearch search_mixed(const Config& base, const TrialRecord& base_trial, const Space& space, const TrialIndex& tried,
                         const Scheme& widest) {
  const std::vector<Liftable> ranked = ranked_nodes(base, base_trial.layers, space, widest);
  if (ranked.empty()) return {};
  if (std::ranges::all_of(ranked, goes_to_widest)) return search_widest(base, ranked, tried);
  Config wide = all_lifted(base, ranked);
  const TrialRecord* wide_trial = tried.find(wide);
  if (wide_trial == nullptr) return {std::move(wide), nullptr};
  if (!passed(*wide_trial)) return search_two_steps(base, ranked, wide, *wide_trial, base_trial.layers, space, tried, widest);
  const Bisection eights = bisect_lifts(base, ranked, 0, tried);
  return {eights.proposal, eights.best != nullptr ? eights.best : wide_trial};
}

}  // namespace titrate
