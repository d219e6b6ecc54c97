// Progress of tune on stderr, kept moving by a thread of its own while a long phase says nothing.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "tuner/progress_display.hpp"

namespace titrate::cli {

class ProgressListener final : public TuningListener {
 public:
  explicit ProgressListener(bool quiet);
  ~ProgressListener() override;
  ProgressListener(const ProgressListener&) = delete;
  ProgressListener& operator=(const ProgressListener&) = delete;

  /// What is known before the run.
  void begin(const Goal& goal, const StudyRecord& study);
  void baseline_started() override;
  void baseline_finished(const Baseline& baseline) override;
  void trial_started(int number, int at_most, const std::string& config) override;
  void phase(const std::string& name) override;
  void samples(std::int64_t done, std::int64_t total) override;
  void trial_finished(const TrialRecord& trial, const TrialRecord* best, const Goal& goal, const Baseline& baseline) override;
  void note(const std::string& text) override;
  /// Leaves stderr to others.
  void finish();

 private:
  template <class Show>
  void show(Show&& show);
  void keep_moving(const std::stop_token& stop);

  std::mutex mutex_;  // of the display
  std::optional<ProgressDisplay> display_;
  std::condition_variable_any stopped_;
  std::jthread mover_;
};

}  // namespace titrate::cli
