// First every config in the order of the list. If none passes, mixed ones: begun from the config that promises the smallest result. Nodes
// go back to 8 bit and then to float, or to bf16 (int8-mixed-bf16, as other tools call it).
//
// Which base: a small config that is far from the goal may need so many nodes in wider types that a larger one ends smaller. So the bases
// are ordered by the size that they are predicted to end with: own size, plus what the lifted nodes add, where the number of nodes to lift
// is predicted from the loss and the nodes' noise (predicted_lifts). The next base is taken when one has no mixed config that passes; with
// an objective other than first also when it promises to be better than the best so far.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "strategies/mixed_search.hpp"
#include "strategies/sensitivity.hpp"
#include "strategies/table.hpp"
#include "strategies/trial_index.hpp"

namespace titrate {

namespace {

// What is to be small: bytes, or milliseconds if latency is the objective. Infinite if it was not measured.
double cost_of(const TrialRecord& trial, Objective objective) {
  constexpr double unknown = std::numeric_limits<double>::infinity();
  if (objective == Objective::latency) return trial.latency_ms.value_or(unknown);
  return trial.size_bytes ? static_cast<double>(*trial.size_bytes) : unknown;
}

struct Base {
  const Config* config;
  const TrialRecord* trial;
  double promise;  // the predicted cost of the mixed config that it leads to
};

double promise_of(const Config& config, const TrialRecord& trial, const Space& space, const Goal& goal, const Scheme& widest) {
  double cost = cost_of(trial, goal.objective);
  if (goal.objective == Objective::latency) return cost;
  const std::vector<Liftable> ranked = ranked_nodes(config, trial.layers, space, widest);
  const std::size_t count = predicted_lifts(ranked, *trial.loss, goal.tolerable_loss);
  for (std::size_t index = 0; index < count; ++index) cost += static_cast<double>(ranked[index].more_bytes);
  return cost;
}

// Configs that were measured and failed, the most promising first.
std::vector<Base> failed_bases(const Space& space, const TrialIndex& tried, const Goal& goal, const Scheme& widest) {
  std::vector<Base> bases;
  for (const Config& config : space.configs) {
    const TrialRecord* trial = tried.find(config);
    const bool measured = trial != nullptr && trial->state == TrialState::failed_goal && trial->loss && std::isfinite(*trial->loss);
    if (measured) bases.push_back({&config, trial, promise_of(config, *trial, space, goal, widest)});
  }
  std::ranges::stable_sort(bases, {}, &Base::promise);
  return bases;
}

// The best cost of the space's own configs that passed; infinite if none did.
double best_uniform(const Space& space, const TrialIndex& tried, Objective objective, bool& any) {
  double best = std::numeric_limits<double>::infinity();
  for (const Config& config : space.configs) {
    const TrialRecord* trial = tried.find(config);
    if (trial == nullptr || trial->state != TrialState::passed) continue;
    any = true;
    best = std::min(best, cost_of(*trial, objective));
  }
  return best;
}

std::optional<Config> next_mixed(const Space& space, const TrialIndex& tried, const Goal& goal, const Scheme& widest) {
  bool met = false;
  double best = best_uniform(space, tried, goal.objective, met);
  for (const Base& base : failed_bases(space, tried, goal, widest)) {
    if (met && (goal.objective == Objective::first || base.promise >= best)) continue;
    MixedSearch search = search_mixed(*base.config, *base.trial, space, tried, widest);
    if (search.proposal) return std::move(search.proposal);
    if (search.best == nullptr) continue;
    met = true;
    best = std::min(best, cost_of(*search.best, goal.objective));
  }
  return std::nullopt;
}

class Fallback final : public Strategy {
 public:
  explicit Fallback(const Scheme& widest) : widest_(widest) {}

  [[nodiscard]] std::optional<Config> next(const Space& space, std::span<const TrialRecord> history, const Goal& goal,
                                           std::uint64_t /*seed*/) const override {
    const TrialIndex tried(history);
    const auto untried = std::ranges::find_if(space.configs, [&](const Config& config) { return tried.find(config) == nullptr; });
    if (untried == space.configs.end()) return next_mixed(space, tried, goal, widest_);
    // The loop does not stop a strategy that narrows down, so a uniform config that passes ends it here.
    const bool met = std::ranges::any_of(history, [](const TrialRecord& trial) { return trial.state == TrialState::passed; });
    if (met && goal.objective == Objective::first) return std::nullopt;
    return *untried;
  }

  [[nodiscard]] bool narrows_down() const override { return true; }

 private:
  Scheme widest_;
};

}  // namespace

std::unique_ptr<Strategy> make_fallback() { return std::make_unique<Fallback>(FloatScheme{}); }
std::unique_ptr<Strategy> make_fallback_bf16() { return std::make_unique<Fallback>(Bf16Scheme{}); }

}  // namespace titrate
