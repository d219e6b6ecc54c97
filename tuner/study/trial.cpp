#include "tuner/study/trial.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 6> trial_state_names{"running", "passed", "failed_goal", "error", "pruned", "interrupted"};
constexpr std::array<std::string_view, 2> loss_kind_names{"relative", "absolute"};
constexpr std::array<std::string_view, 3> objective_names{"first", "size", "latency"};

template <class Enumeration, std::size_t count>
std::optional<Enumeration> named(const std::array<std::string_view, count>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enumeration>(found - names.begin());
}

double unknown_is_last(const std::optional<double>& value) { return value.value_or(std::numeric_limits<double>::infinity()); }

double cost_of(const TrialRecord& trial, Objective objective) {
  switch (objective) {
    case Objective::first:
      return trial.number;
    case Objective::size:
      return unknown_is_last(trial.size_bytes);
    case Objective::latency:
      return unknown_is_last(trial.latency_ms);
  }
  return 0;
}

// Smaller is better, from left to right. The loss stands for the metric: it knows the direction.
std::tuple<int, double, double, int> rank_of(const TrialRecord& trial, Objective objective) {
  const double loss = unknown_is_last(trial.loss);
  if (trial.state == TrialState::passed) return {0, cost_of(trial, objective), loss, trial.number};
  return {1, loss, 0, trial.number};
}

}  // namespace

std::string_view name_of(TrialState state) { return trial_state_names.at(static_cast<std::size_t>(state)); }
std::string_view name_of(LossKind kind) { return loss_kind_names.at(static_cast<std::size_t>(kind)); }
std::string_view name_of(Objective objective) { return objective_names.at(static_cast<std::size_t>(objective)); }

std::optional<TrialState> trial_state_named(std::string_view name) { return named<TrialState>(trial_state_names, name); }
std::optional<LossKind> loss_kind_named(std::string_view name) { return named<LossKind>(loss_kind_names, name); }
std::optional<Objective> objective_named(std::string_view name) { return named<Objective>(objective_names, name); }

bool is_faster(const TrialRecord& one, const TrialRecord& other) {
  constexpr double least_share = 0.02;
  const double ours = unknown_is_last(one.latency_ms);
  const double theirs = unknown_is_last(other.latency_ms);
  if (!std::isfinite(ours)) return false;
  const double noise = std::hypot(one.latency_noise_ms.value_or(0), other.latency_noise_ms.value_or(0));
  return theirs - ours > std::max(noise, least_share * ours);
}

bool is_finished(TrialState state) { return state != TrialState::running && state != TrialState::interrupted; }

double loss_of(double value, double baseline, const Goal& goal) {
  const double loss = goal.higher_is_better ? baseline - value : value - baseline;
  if (goal.loss == LossKind::absolute) return loss;
  if (baseline == 0) {
    throw Error(ErrorCode::usage, "a loss relative to a baseline of 0 has no meaning", "--loss relative", "use --loss absolute");
  }
  return loss / std::abs(baseline);
}

const TrialRecord* best_trial(const std::vector<TrialRecord>& trials, Objective objective) {
  const TrialRecord* best = nullptr;
  for (const TrialRecord& trial : trials) {
    const bool usable = trial.state == TrialState::passed || (trial.state == TrialState::failed_goal && trial.loss.has_value());
    if (usable && (best == nullptr || rank_of(trial, objective) < rank_of(*best, objective))) best = &trial;
  }
  if (objective != Objective::latency || best == nullptr || best->state != TrialState::passed) return best;
  const TrialRecord& fastest = *best;
  for (const TrialRecord& trial : trials) {
    if (trial.state != TrialState::passed || is_faster(fastest, trial)) continue;
    if (rank_of(trial, Objective::size) < rank_of(*best, Objective::size)) best = &trial;
  }
  return best;
}

std::optional<double> integer_coverage(const std::vector<NodeExecution>& execution) {
  double all = 0;
  double on_integers = 0;
  for (const NodeExecution& node : execution) {
    const auto count = static_cast<double>(node.multiply_accumulates.value_or(0));
    all += count;
    if (node.integer) on_integers += count;
  }
  return all > 0 ? std::optional(on_integers / all) : std::nullopt;
}

}  // namespace titrate
