// What a tuning run shows while it works: one line redrawn in place on a terminal, plain lines elsewhere.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "tuner/tuning.hpp"

namespace titrate {

struct ProgressOptions {
  bool terminal = false;          ///< redraws a line with carriage returns; otherwise neither they nor escapes are written
  bool color = false;             ///< ANSI colours
  bool unicode = false;           ///< block characters
  std::function<int()> columns;   ///< of the terminal, asked for at each redraw
  std::function<double()> clock;  ///< seconds since any moment, never going back
};

/// Called by one thread at a time. Everything goes to the stream that it is given.
class ProgressDisplay final : public TuningListener {
 public:
  ProgressDisplay(std::ostream& stream, ProgressOptions options);

  /// What is known before the run: the goal, and what a study that goes on has measured already.
  void begin(const Goal& goal, const StudyRecord& study);
  void baseline_started() override;
  void baseline_finished(const Baseline& baseline) override;
  void trial_started(int number, int at_most, const std::string& config) override;
  void phase(const std::string& name) override;
  void samples(std::int64_t done, std::int64_t total) override;
  void trial_finished(const TrialRecord& trial, const TrialRecord* best, const Goal& goal, const Baseline& baseline) override;
  void note(const std::string& text) override;
  /// Time has passed: redraws (at most ten times a second), or says where a long phase is (at most every ten seconds).
  void tick();
  /// Takes the redrawn line away.
  void finish();

 private:
  void start_work(const std::string& subject, const std::string& config);
  void print_line(const std::string& line);
  void print_reason(const TrialRecord& trial);
  void redraw();
  void remember_best(const TrialRecord* best);
  [[nodiscard]] std::string erasure() const;
  [[nodiscard]] std::string live_line(int columns) const;
  [[nodiscard]] std::string phase_text() const;
  [[nodiscard]] std::string bar() const;
  [[nodiscard]] std::string best_text() const;
  [[nodiscard]] std::string eta_text() const;
  [[nodiscard]] std::string trial_line(const TrialRecord& trial) const;
  [[nodiscard]] std::string metric_label() const;

  std::ostream& stream_;
  ProgressOptions options_;
  Goal goal_;
  std::optional<Baseline> baseline_;
  std::optional<double> best_metric_;
  // The work in flight.
  bool working_ = false;
  std::string subject_;  ///< "trial 3 of 12"
  std::string config_;
  std::string phase_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
  int remaining_trials_ = 0;  ///< with the one in flight
  double work_begin_ = 0;
  double phase_begin_ = 0;
  // What trials took.
  double finished_seconds_ = 0;
  int finished_trials_ = 0;
  // What stands on the screen.
  std::optional<double> drawn_at_;
  int drawn_columns_ = 0;
  double line_at_ = 0;  ///< when the last plain line was printed
};

}  // namespace titrate
