// Progress of tune on stderr.
#pragma once

#include "tuner/tuning.hpp"

namespace titrate::cli {

class ProgressListener final : public TuningListener {
 public:
  explicit ProgressListener(bool quiet) : quiet_(quiet) {}
  void trial_finished(const TrialRecord& trial, const TrialRecord* best, const Goal& goal, const Baseline& baseline) override;
  void trial_started(int number, int at_most, const std::string& config) override;
  void note(const std::string& text) override;
  void finish() {}

 private:
  bool quiet_;
};

}  // namespace titrate::cli
