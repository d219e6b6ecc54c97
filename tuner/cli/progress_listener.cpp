#include "tuner/cli/progress_listener.hpp"

#include <iostream>

#include "engine/base/text.hpp"

namespace titrate::cli {

void ProgressListener::trial_started(int number, int at_most, const std::string& config) {
  if (!quiet_) std::cerr << "trial " << number << " of at most " << at_most << ": " << visible(config) << '\n';
}

void ProgressListener::trial_finished(const TrialRecord& trial, const TrialRecord*, const Goal&, const Baseline& baseline) {
  if (quiet_) return;
  std::cerr << "  " << name_of(trial.state);
  if (trial.metric) std::cerr << "  " << baseline.metric_name << ' ' << shortest(*trial.metric);
  if (trial.size_bytes) std::cerr << "  " << human_bytes(static_cast<std::uint64_t>(*trial.size_bytes));
  if (!trial.reason.empty()) std::cerr << "  " << visible(trial.reason);
  std::cerr << '\n';
}

void ProgressListener::note(const std::string& text) {
  if (!quiet_) std::cerr << visible(text) << '\n';
}

}  // namespace titrate::cli
