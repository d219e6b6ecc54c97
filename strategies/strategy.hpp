// A strategy proposes the next config from the space and the trial records. It cannot run anything and keeps no state: the history is the
// cursor, so a resumed study goes on where it stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "tuner/study/trial.hpp"

namespace titrate {

/// A node that can be quantized, as strategies see it.
struct SpaceNode {
  std::string name;
  std::string type;
  std::int64_t weight_bytes = 0;
};

/// All that can be tried: the configs in the user's order, duplicates already taken out, and the nodes they act on.
struct Space {
  std::vector<Config> configs;
  std::vector<SpaceNode> nodes;
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// The next config, or nothing when there is nothing left to try. A pure function: the same arguments, the same answer. `history` holds
  /// finished trials only, in the order of their numbers, with the canonical texts of their configs; it may hold configs that are not in
  /// the space. What is in the history is never proposed again.
  [[nodiscard]] virtual std::optional<Config> next(const Space& space, std::span<const TrialRecord> history, const Goal& goal,
                                                   std::uint64_t seed) const = 0;

  /// With Objective::first a run ends with the first trial that passes. A strategy that goes on from there to something smaller says true:
  /// then the run ends when next() has nothing more, and the smallest trial that passed is the answer.
  [[nodiscard]] virtual bool narrows_down() const { return false; }
};

struct StrategyRow {
  std::string_view name;
  std::string_view what;
  std::unique_ptr<Strategy> (*make)();
};

[[nodiscard]] std::span<const StrategyRow> strategies();
/// Throws Error(usage) listing the names.
[[nodiscard]] std::unique_ptr<Strategy> make_strategy(std::string_view name);

}  // namespace titrate
