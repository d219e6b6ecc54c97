#include "reports/html/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/axis.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {

namespace {

struct Point {
  const TrialRecord* trial = nullptr;
  double size = 0;
  double metric = 0;
};

std::vector<Point> points_of(const StudyRecord& study) {
  std::vector<Point> points;
  for (const TrialRecord& trial : study.trials) {
    const bool drawn = trial.metric && std::isfinite(*trial.metric) && trial.size_bytes && *trial.size_bytes >= 0;
    if (drawn) points.push_back({&trial, static_cast<double>(*trial.size_bytes), *trial.metric});
  }
  return points;
}

struct Range {
  double low = 0;
  double high = 0;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Range with_margin(Range range) {
  const double margin = (range.high - range.low) * 0.06;
  return {range.low - margin, range.high + margin};
}

// The metrics that the chart shows. A few hopeless trials must not squeeze what matters, the neighbourhood of the goal, into one line: what
// is further from the float model than eight tolerable losses is drawn at the edge, unless that is most of the trials.
Range metric_range(const StudyRecord& study, const std::vector<Point>& points) {
  Range all{points.front().metric, points.front().metric};
  for (const Point& point : points) all.include(point.metric);
  if (!study.baseline) return with_margin(all);
  const double baseline = study.baseline->metric;
  const double goal = goal_metric(*study.baseline, study.goal);
  all.include(baseline);
  all.include(goal);
  const double reach = std::abs(baseline - goal) * 8;
  const auto near = std::ranges::count_if(points, [&](const Point& point) { return std::abs(point.metric - baseline) <= reach; });
  if (reach == 0 || near * 2 < static_cast<std::ptrdiff_t>(points.size())) return with_margin(all);
  Range range{std::min(baseline, goal), std::max(baseline, goal)};
  for (const Point& point : points) {
    if (std::abs(point.metric - baseline) <= reach) range.include(point.metric);
  }
  return with_margin(range);
}

struct Unit {
  double bytes = 1;
  std::string_view name = "B";
};

Unit unit_for(double bytes) {
  constexpr std::array<Unit, 4> units{{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}, {1, "B"}}};
  return *std::ranges::find_if(units, [bytes](const Unit& unit) { return bytes >= unit.bytes || unit.bytes == 1; });
}

class Chart {
 public:
  Chart(const StudyRecord& study, const std::vector<Point>& points, const Frame& frame, std::string_view name);

  [[nodiscard]] std::string svg() const;

 private:
  [[nodiscard]] std::string grid() const;
  [[nodiscard]] std::string goal_lines() const;
  [[nodiscard]] std::string front() const;
  [[nodiscard]] std::string mark(const Point& point) const;
  [[nodiscard]] std::string float_model() const;
  [[nodiscard]] std::string description() const;

  const StudyRecord& study_;
  const std::vector<Point>& points_;
  Frame frame_;
  std::string_view name_;
  Unit unit_;
  Axis x_;
  Axis y_;
};

double largest_size(const StudyRecord& study, const std::vector<Point>& points) {
  double largest = study.baseline ? static_cast<double>(study.baseline->size_bytes) : 0;
  for (const Point& point : points) largest = std::max(largest, point.size);
  return largest;
}

Chart::Chart(const StudyRecord& study, const std::vector<Point>& points, const Frame& frame, std::string_view name)
    : study_(study),
      points_(points),
      frame_(frame),
      name_(name),
      unit_(unit_for(largest_size(study, points))),
      x_(0, largest_size(study, points) / unit_.bytes * 1.06, frame.left, frame.end_x()),
      y_(metric_range(study, points).low, metric_range(study, points).high, frame.end_y(), frame.top) {}

std::string Chart::grid() const {
  std::string text = "<g class=\"grid\">\n";
  const std::vector<double> levels = y_.ticks(5);
  for (const double level : levels) {
    const std::string y = coordinate(y_.at(level));
    text +=
        cat("<line x1=\"", coordinate(frame_.left), "\" x2=\"", coordinate(frame_.end_x()), "\" y1=\"", y, "\" y2=\"", y, "\"/><text x=\"",
            coordinate(frame_.left - 7), "\" y=\"", y, "\" dy=\"4\" text-anchor=\"end\">", tick_label(level, levels), "</text>\n");
  }
  const std::vector<double> sizes = x_.ticks(frame_.ticks);
  for (const double size : sizes) {
    text += cat("<text x=\"", coordinate(x_.at(size)), "\" y=\"", coordinate(frame_.end_y() + 17), "\" text-anchor=\"middle\">",
                tick_label(size, sizes), "</text>\n");
  }
  const std::string middle = coordinate((frame_.top + frame_.end_y()) / 2);
  text += cat("<text class=\"axis\" x=\"", coordinate((frame_.left + frame_.end_x()) / 2), "\" y=\"", coordinate(frame_.height - 8),
              "\" text-anchor=\"middle\">size of the model, ", unit_.name, "</text>\n<text class=\"axis\" x=\"9\" y=\"", middle,
              "\" text-anchor=\"middle\" transform=\"rotate(-90 9 ", middle, ")\">", escaped(metric_name(study_)),
              study_.goal.higher_is_better ? "" : ", lower is better", "</text>\n");
  return text + "</g>\n";
}

std::string Chart::goal_lines() const {
  if (!study_.baseline) return {};
  const double goal = goal_metric(*study_.baseline, study_.goal);
  const double goal_y = y_.at(goal);
  const double best_y = y_.at(study_.goal.higher_is_better ? y_.high() : y_.low());
  std::string text =
      cat("<rect class=\"within\" x=\"", coordinate(frame_.left), "\" y=\"", coordinate(std::min(goal_y, best_y)), "\" width=\"",
          coordinate(frame_.end_x() - frame_.left), "\" height=\"", coordinate(std::abs(goal_y - best_y)), "\"/>\n");
  const auto line = [&](double value, std::string_view kind, const std::string& label, double shift) {
    const double y = y_.at(value);
    text += cat("<line class=\"", kind, "\" x1=\"", coordinate(frame_.left), "\" x2=\"", coordinate(frame_.end_x()), "\" y1=\"",
                coordinate(y), "\" y2=\"", coordinate(y), "\"/><text class=\"", kind, "\" x=\"", coordinate(frame_.left + 6), "\" y=\"",
                coordinate(y + shift), "\">", label, "</text>\n");
  };
  // The labels stand outside the band between the lines, where the points are.
  const bool goal_is_below = goal_y > y_.at(study_.baseline->metric);
  line(study_.baseline->metric, "float", cat("float ", metric_text_apart(study_.baseline->metric, goal)), goal_is_below ? -5 : 14);
  line(goal, "goal", cat("goal ", metric_text_apart(goal, study_.baseline->metric)), goal_is_below ? 14 : -5);
  return text;
}

// The trials that no other beats in both size and metric, joined by a line.
std::string Chart::front() const {
  std::vector<Point> sorted = points_;
  const double sign = study_.goal.higher_is_better ? 1 : -1;
  std::ranges::stable_sort(sorted, [sign](const Point& one, const Point& other) {
    return one.size != other.size ? one.size < other.size : sign * one.metric > sign * other.metric;
  });
  std::string path;
  const Point* last = nullptr;
  for (const Point& point : sorted) {
    if (last != nullptr && sign * point.metric <= sign * last->metric) continue;
    path += cat(path.empty() ? "M" : "L", coordinate(x_.at(point.size / unit_.bytes)), " ", coordinate(y_.at(point.metric)));
    last = &point;
  }
  return cat("<path class=\"front\" d=\"", path, "\"/>\n");
}

// What a reader hears or sees of a point.
std::string title_of(const StudyRecord& study, const TrialRecord& trial) {
  return cat("trial ", trial.number, ", ", visible(trial.config), ": ", metric_name(study), " ", metric_text(trial.metric), ", ",
             bytes_text(trial.size_bytes), ", ", state_text(trial.state));
}

std::string Chart::mark(const Point& point) const {
  const TrialRecord& trial = *point.trial;
  const std::string x = coordinate(x_.at(point.size / unit_.bytes));
  const std::string y = coordinate(y_.at(point.metric));
  const bool passed = trial.state == TrialState::passed;
  const double radius = points_.size() > 150 ? 3 : 5;
  std::string shape = cat("<circle r=\"", coordinate(radius), "\"/>");
  if (point.metric < y_.low()) shape = "<path d=\"M-5 -7H5L0 1Z\"/>";
  if (point.metric > y_.high()) shape = "<path d=\"M-5 7H5L0 -1Z\"/>";
  const bool best = trial.number == best_number(study_);
  return cat("<g class=\"point ", passed ? "passed" : "failed", best ? " best" : "", "\" data-trial=\"", trial.number,
             "\" transform=\"translate(", x, " ", y, ")\"><title>", escaped(title_of(study_, trial)), "</title>",
             best ? "<circle class=\"ring\" r=\"10\"/>" : "", "<circle class=\"reach\" r=\"11\"/>", shape, "</g>\n");
}

std::string Chart::float_model() const {
  if (!study_.baseline || study_.baseline->size_bytes < 0) return {};
  const double size = static_cast<double>(study_.baseline->size_bytes) / unit_.bytes;
  return cat("<g class=\"float\" transform=\"translate(", coordinate(x_.at(size)), " ", coordinate(y_.at(study_.baseline->metric)),
             ")\"><title>the float model: ", escaped(metric_name(study_)), " ", metric_text(study_.baseline->metric), ", ",
             bytes_text(study_.baseline->size_bytes),
             "</title><rect x=\"-5\" y=\"-5\" width=\"10\" height=\"10\" transform=\"rotate(45)\"/></g>\n");
}

std::string Chart::description() const {
  std::string text = cat(count_text(points_.size(), "trial"), " by size of the model and ", metric_name(study_));
  if (study_.baseline) {
    text += cat("; the float model has ", metric_text(study_.baseline->metric), " in ", bytes_text(study_.baseline->size_bytes),
                "; the goal is ", metric_text(goal_metric(*study_.baseline, study_.goal)));
  }
  return text + ". The table of trials holds the same figures.";
}

std::string Chart::svg() const {
  std::string text =
      cat("<svg class=\"", name_, "\" viewBox=\"0 0 ", coordinate(frame_.width), " ", coordinate(frame_.height),
          "\" role=\"group\" aria-labelledby=\"chart-title-", name_, " chart-description-", name_, "\">\n<title id=\"chart-title-", name_,
          "\">Accuracy against size</title><desc id=\"chart-description-", name_, "\">", escaped(description()), "</desc>\n");
  text += goal_lines() + grid() + front() + float_model();
  const TrialRecord* best = best_trial(study_.trials, study_.goal.objective);
  // The best trial's point last: on top.
  for (const Point& point : points_) text += point.trial == best ? std::string() : mark(point);
  for (const Point& point : points_) text += point.trial == best ? mark(point) : std::string();
  return text + "</svg>\n";
}

std::string caption(const StudyRecord& study, const std::vector<Point>& points) {
  std::string text =
      "<figcaption class=\"legend\"><span class=\"key passed\">within the goal</span><span class=\"key failed\">misses the goal</span>"
      "<span class=\"key float\">float model</span><span class=\"key front\">not beaten in both</span>";
  const Range range = metric_range(study, points);
  const auto outside =
      std::ranges::count_if(points, [&](const Point& point) { return point.metric < range.low || point.metric > range.high; });
  if (outside > 0) text += cat("<span class=\"key off\">", outside, " off the scale, at its edge</span>");
  const std::size_t missing = study.trials.size() - points.size();
  if (missing > 0) text += cat("<span>", missing, " without a result, not drawn</span>");
  return text + "</figcaption>\n";
}

}  // namespace

std::string chart_section(const StudyRecord& study) {
  const std::vector<Point> points = points_of(study);
  std::string text = "<section id=\"chart\" aria-labelledby=\"chart-title\">\n<h2 id=\"chart-title\">Accuracy against size</h2>\n";
  if (points.empty()) return text + "<p class=\"note\">No trial has both a metric and a size yet.</p>\n</section>\n";
  text += cat("<figure>\n", Chart(study, points, wide_frame(754, 390), "wide").svg(),
              Chart(study, points, narrow_frame(320), "narrow").svg(), caption(study, points));
  return text + "</figure>\n</section>\n";
}

}  // namespace titrate::html
