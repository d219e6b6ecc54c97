#include "reports/html/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/axis.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {

namespace {

// Colours of the style sheet; further phases share the last one.
constexpr std::size_t phase_colors = 5;

double usable(double seconds) { return std::isfinite(seconds) && seconds > 0 ? seconds : 0; }

// In the order in which they first occur.
std::vector<std::string> phase_names(const StudyRecord& study) {
  std::vector<std::string> names;
  for (const TrialRecord& trial : study.trials) {
    for (const PhaseTime& phase : trial.phases) {
      if (std::ranges::find(names, phase.phase) == names.end()) names.push_back(phase.phase);
    }
  }
  return names;
}

// The classes of the colours: "phase0" ..., and "rest" for the time outside any phase.
std::string phase_class(const std::vector<std::string>& names, const std::string& phase) {
  const auto index = static_cast<std::size_t>(std::ranges::find(names, phase) - names.begin());
  return cat("phase", std::min(index, phase_colors - 1));
}

double phase_sum(const TrialRecord& trial) {
  double sum = 0;
  for (const PhaseTime& phase : trial.phases) sum += usable(phase.seconds);
  return sum;
}

double height_of(const TrialRecord& trial) { return std::max(usable(trial.seconds), phase_sum(trial)); }

std::string title_of(const TrialRecord& trial) {
  std::string text = cat("trial ", trial.number, ", ", visible(trial.config), ": ", seconds_text(trial.seconds));
  for (const PhaseTime& phase : trial.phases) text += cat(", ", visible(phase.phase), " ", seconds_text(phase.seconds));
  return text;
}

class Timeline {
 public:
  Timeline(const StudyRecord& study, const Frame& frame, std::string_view name);
  [[nodiscard]] std::string svg() const;

 private:
  [[nodiscard]] std::string grid() const;
  [[nodiscard]] std::string column(std::size_t index) const;

  const StudyRecord& study_;
  Frame frame_;
  std::string_view name_;
  std::vector<std::string> phases_;
  double pitch_;  // of two columns
  Axis y_;
};

double longest(const StudyRecord& study) {
  double seconds = 0;
  for (const TrialRecord& trial : study.trials) seconds = std::max(seconds, height_of(trial));
  return seconds > 0 ? seconds : 1;
}

Timeline::Timeline(const StudyRecord& study, const Frame& frame, std::string_view name)
    : study_(study),
      frame_(frame),
      name_(name),
      phases_(phase_names(study)),
      pitch_((frame.end_x() - frame.left) / static_cast<double>(std::max<std::size_t>(study.trials.size(), 24))),
      y_(0, longest(study) * 1.05, frame.end_y(), frame.top) {}

std::string Timeline::grid() const {
  std::string text = "<g class=\"grid\">\n";
  const std::vector<double> levels = y_.ticks(4);
  for (const double level : levels) {
    const std::string y = coordinate(y_.at(level));
    text +=
        cat("<line x1=\"", coordinate(frame_.left), "\" x2=\"", coordinate(frame_.end_x()), "\" y1=\"", y, "\" y2=\"", y, "\"/><text x=\"",
            coordinate(frame_.left - 7), "\" y=\"", y, "\" dy=\"4\" text-anchor=\"end\">", tick_label(level, levels), "</text>\n");
  }
  // Numbers far enough from each other to be read.
  const auto every = static_cast<std::size_t>(std::ceil(38 / pitch_));
  const std::size_t step = every <= 1 ? 1 : every <= 2 ? 2 : every <= 5 ? 5 : (every + 9) / 10 * 10;
  for (std::size_t index = 0; index < study_.trials.size(); ++index) {
    const int number = study_.trials[index].number;
    if (step > 1 && number % static_cast<int>(step) != 0) continue;
    text += cat("<text x=\"", coordinate(frame_.left + pitch_ * (static_cast<double>(index) + 0.5)), "\" y=\"",
                coordinate(frame_.end_y() + 16), "\" text-anchor=\"middle\">", number, "</text>\n");
  }
  const std::string middle = coordinate((frame_.top + frame_.end_y()) / 2);
  text += cat("<text class=\"axis\" x=\"", coordinate((frame_.left + frame_.end_x()) / 2), "\" y=\"", coordinate(frame_.height - 6),
              "\" text-anchor=\"middle\">trial</text>\n<text class=\"axis\" x=\"9\" y=\"", middle,
              "\" text-anchor=\"middle\" transform=\"rotate(-90 9 ", middle, ")\">seconds</text>\n");
  return text + "</g>\n";
}

std::string Timeline::column(std::size_t index) const {
  const TrialRecord& trial = study_.trials[index];
  const double gap = pitch_ > 4 ? std::min(pitch_ * 0.25, 8.0) : 0;
  const std::string x = coordinate(frame_.left + pitch_ * static_cast<double>(index) + gap / 2);
  const std::string width = coordinate(pitch_ - gap);
  std::string text = cat("<g class=\"column\" data-trial=\"", trial.number, "\"><title>", escaped(title_of(trial)), "</title>");
  double from = 0;
  const auto part = [&](const std::string& kind, double seconds) {
    if (seconds <= 0) return;
    const double top = y_.at(from + seconds);
    text += cat("<rect class=\"", kind, "\" x=\"", x, "\" y=\"", coordinate(top), "\" width=\"", width, "\" height=\"",
                coordinate(y_.at(from) - top), "\"/>");
    from += seconds;
  };
  for (const PhaseTime& phase : trial.phases) part(phase_class(phases_, phase.phase), usable(phase.seconds));
  part("rest", height_of(trial) - from);
  const std::string end = coordinate(frame_.end_y());
  if (trial.state == TrialState::error)
    text += cat("<rect class=\"broken\" x=\"", x, "\" y=\"", end, "\" width=\"", width, "\" height=\"3\"/>");
  return text + "</g>\n";
}

std::string Timeline::svg() const {
  std::string text = cat("<svg class=\"", name_, "\" viewBox=\"0 0 ", coordinate(frame_.width), " ", coordinate(frame_.height),
                         "\" role=\"group\" aria-labelledby=\"time-title-", name_, "\">\n<title id=\"time-title-", name_,
                         "\">Seconds of each trial by phase; the table of trials holds the totals</title>\n", grid());
  for (std::size_t index = 0; index < study_.trials.size(); ++index) text += column(index);
  return text + "</svg>\n";
}

std::string legend(const StudyRecord& study) {
  std::string text = "<figcaption class=\"legend\">";
  const std::vector<std::string> names = phase_names(study);
  for (std::size_t index = 0; index < names.size() && index < phase_colors; ++index) {
    const bool shared = index + 1 == phase_colors && names.size() > phase_colors;
    text += cat("<span class=\"key phase", index, "\">", shared ? "further phases" : escaped(names[index]), "</span>");
  }
  return text + "<span class=\"key rest\">other</span></figcaption>\n";
}

std::string totals(const StudyRecord& study) {
  double sum = 0;
  for (const TrialRecord& trial : study.trials) sum += usable(trial.seconds);
  std::string text = cat(count_text(study.trials.size(), "trial"), " in ", seconds_text(sum));
  if (study.baseline && usable(study.baseline->seconds) > 0) text += cat("; the float model took ", seconds_text(study.baseline->seconds));
  return text;
}

}  // namespace

std::string timeline_section(const StudyRecord& study) {
  if (study.trials.empty()) return {};
  return cat("<section id=\"timeline\" aria-labelledby=\"timeline-title\">\n<h2 id=\"timeline-title\">Time</h2>\n<p class=\"note\">",
             totals(study), "</p>\n<figure>\n", Timeline(study, wide_frame(1072, 200), "wide").svg(),
             Timeline(study, narrow_frame(180), "narrow").svg(), legend(study), "</figure>\n</section>\n");
}

}  // namespace titrate::html
