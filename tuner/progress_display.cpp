#include "tuner/progress_display.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <string_view>
#include <utility>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/text_table.hpp"

namespace titrate {
namespace {

// ANSI SGR codes.
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view plain = "\x1b[0m";

constexpr double seconds_between_redraws = 0.1;
constexpr double seconds_between_lines = 10;
constexpr int bar_cells = 10;
constexpr int least_config_columns = 16;
constexpr std::size_t most_reason_lines = 6;

std::string_view color_of(TrialState state) {
  switch (state) {
    case TrialState::passed:
      return green;
    case TrialState::failed_goal:
      return yellow;
    case TrialState::error:
      return red;
    default:
      return dim;
  }
}

// "0:07", "12:05", "3:00:00"
std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  const auto two_digits = [](std::int64_t number) { return cat(number < 10 ? "0" : "", number); };
  if (whole < 3600) return cat(whole / 60, ":", two_digits(whole % 60));
  return cat(whole / 3600, ":", two_digits(whole / 60 % 60), ":", two_digits(whole % 60));
}

std::string cut(const std::string& text, int columns) { return text_width(text) <= columns ? text : wrapped(text, columns, 1)[0]; }

// Those that say something, two blanks between them.
std::string spaced(const std::vector<std::string>& parts) {
  std::vector<std::string> said;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(said), [](const std::string& part) { return !part.empty(); });
  return join(said, "  ");
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::ostream& stream, ProgressOptions options) : stream_(stream), options_(std::move(options)) {}

void ProgressDisplay::begin(const Goal& goal, const StudyRecord& study) {
  goal_ = goal;
  baseline_ = study.baseline;
  remember_best(best_trial(study.trials, goal.objective));
}

void ProgressDisplay::baseline_started() {
  remaining_trials_ = 0;
  start_work("float model", {});
}

void ProgressDisplay::baseline_finished(const Baseline& baseline) {
  baseline_ = baseline;
  working_ = false;
  print_line(spaced({"float model", cat(metric_label(), " ", metric_text(baseline.metric)), bytes_text(baseline.size_bytes),
                     seconds_text(baseline.seconds), best_text()}));
}

void ProgressDisplay::trial_started(int number, int at_most, const std::string& config) {
  remaining_trials_ = std::max(1, at_most - number + 1);
  start_work(cat("trial ", number, " of ", std::max(number, at_most)), visible(config));
}

void ProgressDisplay::start_work(const std::string& subject, const std::string& config) {
  subject_ = subject;
  config_ = config;
  work_begin_ = options_.clock();
  working_ = true;
  if (!options_.terminal) print_line(spaced({subject, config}));
  phase({});
}

void ProgressDisplay::phase(const std::string& name) {
  phase_ = visible(name);
  phase_begin_ = options_.clock();
  done_ = total_ = 0;
  tick();
}

void ProgressDisplay::samples(std::int64_t done, std::int64_t total) {
  done_ = done;
  total_ = total;
  tick();
}

void ProgressDisplay::trial_finished(const TrialRecord& trial, const TrialRecord* best, const Goal& goal, const Baseline& baseline) {
  goal_ = goal;
  baseline_ = baseline;
  remember_best(best);
  finished_seconds_ += trial.seconds;
  ++finished_trials_;
  working_ = false;
  print_line(trial_line(trial));
  print_reason(trial);
}

void ProgressDisplay::note(const std::string& text) { print_line(visible(text)); }

void ProgressDisplay::tick() {
  if (!working_) return;
  const double now = options_.clock();
  if (options_.terminal) {
    if (!drawn_at_ || now - *drawn_at_ >= seconds_between_redraws) redraw();
  } else if (now - line_at_ >= seconds_between_lines) {
    print_line(cat("  ", spaced({subject_, phase_text(), eta_text()})));
  }
}

void ProgressDisplay::finish() {
  working_ = false;
  stream_ << erasure() << std::flush;
  drawn_columns_ = 0;
}

void ProgressDisplay::print_line(const std::string& line) {
  stream_ << cat(erasure(), line, "\n") << std::flush;
  drawn_columns_ = 0;
  line_at_ = options_.clock();
}

// The reason of a failed trial, or a remark on one that ended well.
void ProgressDisplay::print_reason(const TrialRecord& trial) {
  if (trial.reason.empty()) return;
  const std::string reason = visible(trial.reason);
  if (!options_.terminal) return print_line(cat("  ", reason));
  for (const std::string& line : wrapped(reason, options_.columns() - 2, most_reason_lines)) print_line(cat("  ", line));
}

// Blanks instead of an escape sequence: every terminal takes them.
std::string ProgressDisplay::erasure() const {
  return drawn_columns_ > 0 ? cat("\r", std::string(static_cast<std::size_t>(drawn_columns_), ' '), "\r") : std::string();
}

void ProgressDisplay::redraw() {
  // The last column stays free: some terminals go to the next line when it is written.
  const std::string line = live_line(std::max(1, options_.columns() - 1));
  const int columns = text_width(line);
  const bool has_subject = options_.color && line.starts_with(subject_);
  const std::string blank(static_cast<std::size_t>(std::max(0, drawn_columns_ - columns)), ' ');
  stream_ << cat("\r", has_subject ? cat(bold, subject_, plain, line.substr(subject_.size())) : line, blank) << std::flush;
  drawn_columns_ = columns;
  drawn_at_ = options_.clock();
}

void ProgressDisplay::remember_best(const TrialRecord* best) { best_metric_ = best != nullptr ? best->metric : std::nullopt; }

// A line that is too long loses part of its config, then the bar, then its end.
std::string ProgressDisplay::live_line(int columns) const {
  const auto with = [&](const std::string& config, const std::string& bar) {
    return spaced({subject_, config, phase_text(), bar, best_text(), eta_text()});
  };
  for (const std::string& bar : {this->bar(), std::string()}) {
    const std::string whole = with(config_, bar);
    const int excess = text_width(whole) - columns;
    if (excess <= 0) return whole;
    const int left = text_width(config_) - excess;
    if (left >= least_config_columns) return with(cut(config_, left), bar);
  }
  return cut(with(cut(config_, least_config_columns), {}), columns);
}

std::string ProgressDisplay::phase_text() const {
  const double seconds = options_.clock() - phase_begin_;
  const std::string how_far = total_ > 0 ? cat(done_, "/", total_) : seconds >= 1 ? duration_text(seconds) : std::string();
  return spaced({phase_, how_far});
}

std::string ProgressDisplay::bar() const {
  if (total_ <= 0) return {};
  const double share = std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
  std::string cells;
  if (!options_.unicode) {
    const auto full = static_cast<std::size_t>(share * bar_cells);
    return cat("[", std::string(full, '#'), std::string(bar_cells - full, '-'), "]");
  }
  constexpr std::array<std::string_view, 9> eighths{" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
  const int filled = static_cast<int>(share * bar_cells * 8);
  for (int cell = 0; cell < bar_cells; ++cell) cells += eighths[static_cast<std::size_t>(std::clamp(filled - 8 * cell, 0, 8))];
  return cat("[", cells, "]");
}

// "best 0.9876 (goal >= 0.9788)"
std::string ProgressDisplay::best_text() const {
  if (!baseline_ || !std::isfinite(baseline_->metric)) return {};
  const double limit = goal_metric(*baseline_, goal_);
  const double compared = best_metric_.value_or(limit);
  const std::string goal = cat("goal ", goal_.higher_is_better ? ">= " : "<= ", metric_text_apart(limit, compared));
  return best_metric_ ? cat("best ", metric_text_apart(*best_metric_, limit), " (", goal, ")") : goal;
}

// A run may end before its last trial, so this is how long it takes at most if trials go on as they did.
std::string ProgressDisplay::eta_text() const {
  if (finished_trials_ == 0 || remaining_trials_ == 0) return {};
  const double each = finished_seconds_ / finished_trials_;
  const double in_flight = std::max(0.0, each - (options_.clock() - work_begin_));
  return cat("ETA ", duration_text(in_flight + each * (remaining_trials_ - 1)));
}

std::string ProgressDisplay::trial_line(const TrialRecord& trial) const {
  const std::string state = state_text(trial.state);
  const std::string metric = metric_text(trial.metric);
  const std::string loss = trial.loss ? loss_text_apart(*trial.loss, goal_.tolerable_loss, goal_.loss) : std::string();
  return spaced({cat("trial ", trial.number), visible(trial.config), options_.color ? cat(color_of(trial.state), state, plain) : state,
                 metric.empty() ? metric : cat(metric_label(), " ", metric_text_apart(*trial.metric, goal_metric(*baseline_, goal_))),
                 loss.empty() ? loss : cat("loss ", loss), bytes_text(trial.size_bytes),
                 latency_text(trial.latency_ms, trial.latency_noise_ms, options_.unicode), seconds_text(trial.seconds), best_text()});
}

// A metric command is too long a name to stand on every line.
std::string ProgressDisplay::metric_label() const {
  const std::string name = visible(baseline_->metric_name);
  return name.empty() || name.size() > 16 || name.find(' ') != std::string::npos ? "metric" : name;
}

}  // namespace titrate
