// A model that costs nothing to measure: each node has a hidden sensitivity, the loss is the sum of what the nodes lose.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/config/overrides.hpp"
#include "strategies/strategy.hpp"

namespace titrate::simulated {

struct Node {
  std::string name;
  double sensitivity = 1;  ///< loss at 4 bits
  double loss_at_8_bits = 0;
  std::int64_t weights = 1000;  ///< their number
  double loss_in_bf16 = 0;
};

struct Model {
  std::vector<Node> nodes;
  double tolerable_loss = 0.01;
  bool record_layers = true;

  [[nodiscard]] Space space(const std::string& set) const {
    Space result{parse_config_set(set), {}};
    for (const Node& node : nodes) result.nodes.push_back({node.name, "Conv", 4 * node.weights});
    return result;
  }

  [[nodiscard]] static double loss_of(const Node& node, const Scheme& scheme) {
    if (std::holds_alternative<FloatScheme>(scheme)) return 0;
    if (std::holds_alternative<Bf16Scheme>(scheme)) return node.loss_in_bf16;
    const auto* rtn = std::get_if<RtnScheme>(&scheme);
    if (rtn == nullptr || rtn->bits == 8) return node.loss_at_8_bits;
    // Finer groups lose less; each bit is worth 6 dB.
    const double finer = rtn->group_size <= 0 ? 1 : 0.4;
    return node.sensitivity * finer * std::pow(4.0, 4 - rtn->bits) + node.loss_at_8_bits;
  }

  [[nodiscard]] static std::int64_t bytes_of(const Node& node, const Scheme& scheme) {
    if (std::holds_alternative<FloatScheme>(scheme)) return 4 * node.weights;
    if (std::holds_alternative<Bf16Scheme>(scheme)) return 2 * node.weights;
    const auto* rtn = std::get_if<RtnScheme>(&scheme);
    if (rtn == nullptr) return node.weights;
    return node.weights * rtn->bits / 8 + (rtn->group_size > 0 ? 4 * node.weights / rtn->group_size : 0);
  }

  /// The record of a trial, as the tuner would write it.
  [[nodiscard]] TrialRecord measure(const Config& config, int number) const {
    const SchemeChooser choose(config);
    TrialRecord trial;
    trial.number = number;
    trial.config = to_text(config);
    double loss = 0;
    std::int64_t bytes = 0;
    for (const Node& node : nodes) {
      const Scheme& scheme = choose(node.name, "Conv");
      const double own = loss_of(node, scheme);
      loss += own;
      bytes += bytes_of(node, scheme);
      if (!record_layers) continue;
      LayerDecision layer;
      layer.name = node.name;
      layer.type = "Conv";
      layer.scheme = to_text(scheme);
      if (own > 0) layer.sqnr_db = -10 * std::log10(own);
      layer.float_bytes = 4 * node.weights;
      layer.stored_bytes = bytes_of(node, scheme);
      trial.layers.push_back(layer);
    }
    trial.loss = loss;
    trial.metric = 1 - loss;
    trial.size_bytes = bytes;
    trial.latency_ms = static_cast<double>(bytes) / 1000;
    trial.state = loss <= tolerable_loss ? TrialState::passed : TrialState::failed_goal;
    return trial;
  }
};

/// Runs a strategy to its end (or `most` trials) as the tuning loop does, from `history` on.
inline std::vector<TrialRecord> run(const Strategy& strategy, const Space& space, const Goal& goal, std::uint64_t seed,
                                    const std::function<TrialRecord(const Config&, int)>& measure, std::vector<TrialRecord> history = {},
                                    std::size_t most = 2000) {
  while (history.size() < most) {
    const std::optional<Config> config = strategy.next(space, history, goal, seed);
    if (!config) break;
    history.push_back(measure(*config, static_cast<int>(history.size()) + 1));
    const bool met = history.back().state == TrialState::passed && goal.objective == Objective::first;
    if (met && !strategy.narrows_down()) break;
  }
  return history;
}

inline std::vector<TrialRecord> run(const Strategy& strategy, const Model& model, const std::string& set, const Goal& goal,
                                    std::uint64_t seed = 0) {
  return run(strategy, model.space(set), goal, seed, [&](const Config& config, int number) { return model.measure(config, number); });
}

/// The smallest that passed, or null.
inline const TrialRecord* smallest(const std::vector<TrialRecord>& trials) {
  const TrialRecord* best = nullptr;
  for (const TrialRecord& trial : trials) {
    if (trial.state != TrialState::passed) continue;
    if (best == nullptr || *trial.size_bytes < *best->size_bytes) best = &trial;
  }
  return best;
}

inline std::vector<std::string> configs_of(const std::vector<TrialRecord>& trials) {
  std::vector<std::string> texts;
  for (const TrialRecord& trial : trials) texts.push_back(trial.config);
  return texts;
}

}  // namespace titrate::simulated
