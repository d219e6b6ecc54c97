// The history by config: what has been tried and what came of it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/config/config.hpp"
#include "tuner/study/trial.hpp"

namespace titrate {

/// Refers to the history, which must outlive it.
class TrialIndex {
 public:
  explicit TrialIndex(std::span<const TrialRecord> history) {
    for (const TrialRecord& trial : history) trials_[trial.config] = &trial;
  }

  /// Null if the config has not been tried.
  [[nodiscard]] const TrialRecord* find(const Config& config) const {
    const auto found = trials_.find(to_text(config));
    return found == trials_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::string_view, const TrialRecord*> trials_;
};

}  // namespace titrate
