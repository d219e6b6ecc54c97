#include "tuner/cli/progress_listener.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tuner/cli/terminal.hpp"

namespace titrate::cli {
namespace {

constexpr std::chrono::milliseconds between_ticks(100);

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

ProgressOptions stderr_options() {
  const char* terminal = std::getenv("TERM");
  const bool redraws = isatty(STDERR_FILENO) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
  const ReportOptions shown = terminal_report_options(STDERR_FILENO);
  return {.terminal = redraws,
          .color = shown.color,
          .unicode = shown.unicode,
          .columns = [] { return terminal_columns(STDERR_FILENO); },
          .clock = seconds_now};
}

}  // namespace

ProgressListener::ProgressListener(bool quiet) {
  if (quiet) return;
  display_.emplace(std::cerr, stderr_options());
  mover_ = std::jthread([this](const std::stop_token& stop) { keep_moving(stop); });
}

ProgressListener::~ProgressListener() { finish(); }

template <class Show>
void ProgressListener::show(Show&& show) {
  if (!display_) return;
  const std::lock_guard lock(mutex_);
  show(*display_);
}

void ProgressListener::keep_moving(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, stop, between_ticks, [&] { return stop.stop_requested(); })) display_->tick();
}

void ProgressListener::begin(const Goal& goal, const StudyRecord& study) {
  show([&](ProgressDisplay& display) { display.begin(goal, study); });
}

void ProgressListener::baseline_started() {
  show([](ProgressDisplay& display) { display.baseline_started(); });
}

void ProgressListener::baseline_finished(const Baseline& baseline) {
  show([&](ProgressDisplay& display) { display.baseline_finished(baseline); });
}

void ProgressListener::trial_started(int number, int at_most, const std::string& config) {
  show([&](ProgressDisplay& display) { display.trial_started(number, at_most, config); });
}

void ProgressListener::phase(const std::string& name) {
  show([&](ProgressDisplay& display) { display.phase(name); });
}

void ProgressListener::samples(std::int64_t done, std::int64_t total) {
  show([&](ProgressDisplay& display) { display.samples(done, total); });
}

void ProgressListener::trial_finished(const TrialRecord& trial, const TrialRecord* best, const Goal& goal, const Baseline& baseline) {
  show([&](ProgressDisplay& display) { display.trial_finished(trial, best, goal, baseline); });
}

void ProgressListener::note(const std::string& text) {
  show([&](ProgressDisplay& display) { display.note(text); });
}

void ProgressListener::finish() {
  mover_.request_stop();
  if (mover_.joinable()) mover_.join();
  show([](ProgressDisplay& display) { display.finish(); });
}

}  // namespace titrate::cli
