// One page that needs nothing else. Without its script it still says everything but the layers of the trials that are not the best.
#include <algorithm>

#include "engine/base/text.hpp"
#include "reports/execution.hpp"
#include "reports/figures.hpp"
#include "reports/html/chart.hpp"
#include "reports/html/details.hpp"
#include "reports/html/execution.hpp"
#include "reports/html/layers.hpp"
#include "reports/html/markup.hpp"
#include "reports/html/script.hpp"
#include "reports/html/script_hash.hpp"
#include "reports/html/style.hpp"
#include "reports/html/tables.hpp"
#include "reports/html/timeline.hpp"
#include "reports/table.hpp"
#include "reports/verdict.hpp"

namespace titrate {

namespace {

using html::escaped;

std::string fact(const Facts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts, name, [](const auto& each) -> std::string_view { return each.first; });
  return found == facts.end() ? std::string() : found->second;
}

// The file's name without its folder; "" if the study does not say.
std::string model_name(const StudyRecord& study) {
  const std::string file = fact(study.provenance, "model file");
  const std::string path = file.empty() ? fact(study.identity, "model") : file;
  return visible(path.substr(path.find_last_of('/') + 1));
}

std::string head(const StudyRecord& study) {
  const std::string model = model_name(study);
  return cat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; img-src data:; script-src '",
      html::script_hash(html::script),
      "'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" "
      "content=\"titrate\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
      verdict_parts(study).label, model.empty() ? "" : cat(": ", escaped(model)), " · titrate</title>\n<style>", html::style,
      "</style>\n</head>\n");
}

std::string_view class_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::met:
      return "met";
    case VerdictKind::not_met:
      return "not_met";
    case VerdictKind::nothing_usable:
      return "nothing_usable";
    case VerdictKind::interrupted:
      return "interrupted";
    case VerdictKind::running:
      return "running";
    case VerdictKind::empty:
      return "empty";
  }
  return "empty";
}

std::string verdict(const StudyRecord& study) {
  const VerdictParts parts = verdict_parts(study);
  const std::string config = parts.config.empty() ? std::string() : cat("<code>", escaped(parts.config), "</code>");
  return cat("<h1 class=\"", class_of(parts.kind), "\"><strong>", parts.label, ":</strong> ", escaped(parts.before), config,
             escaped(parts.after), "</h1>\n");
}

std::string tile(const std::string& name, const std::string& figure, const std::string& beside) {
  if (figure.empty()) return {};
  return cat("<div><dt>", escaped(name), "</dt><dd>", escaped(figure), "<small>", escaped(beside), "</small></dd></div>\n");
}

std::string limit_text(const Goal& goal) {
  const std::string limit = loss_text(goal.tolerable_loss, goal.loss);
  return goal.tolerable_loss < 0 ? cat("a gain is asked for: ", limit) : cat("tolerable: ", limit);
}

std::string states_text(const StudyRecord& study) {
  std::vector<std::string> parts;
  for (const TrialState state :
       {TrialState::passed, TrialState::failed_goal, TrialState::error, TrialState::pruned, TrialState::interrupted, TrialState::running}) {
    const auto count = std::ranges::count(study.trials, state, &TrialRecord::state);
    if (count > 0) parts.push_back(cat(count, " ", state_text(state)));
  }
  return join(parts, ", ");
}

double total_seconds(const StudyRecord& study) {
  double seconds = study.baseline ? study.baseline->seconds : 0;
  for (const TrialRecord& trial : study.trials) seconds += trial.seconds;
  return seconds;
}

// The figures of the best trial beside those of the float model.
std::string tiles(const StudyRecord& study) {
  const TrialRecord none;
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  const TrialRecord& trial = best == nullptr ? none : *best;
  const std::optional<Baseline>& baseline = study.baseline;
  const std::string smaller = smaller_text(baseline, trial.size_bytes);
  std::string text;
  if (baseline && best == nullptr) {
    text += tile(metric_name(study), metric_text(baseline->metric), "of the float model");
    text += tile("size", bytes_text(baseline->size_bytes), "of the float model");
  }
  text += tile(metric_name(study), metric_text(trial.metric), baseline ? cat("float ", metric_text(baseline->metric)) : std::string());
  text += tile("loss", loss_figure(trial, study.goal), limit_text(study.goal));
  text += tile("size", bytes_text(trial.size_bytes), baseline ? cat("float ", bytes_text(baseline->size_bytes)) : std::string());
  text += tile("smaller", smaller.empty() ? smaller : cat(smaller, "×"), "than the float model");
  text += tile("latency", latency_text(trial.latency_ms, trial.latency_noise_ms),
               baseline && !latency_text(baseline->latency_ms).empty()
                   ? cat("float ", latency_text(baseline->latency_ms, baseline->latency_noise_ms))
                   : std::string());
  text += tile("integer coverage", coverage_text(trial), "of the multiply-accumulates");
  if (!study.trials.empty()) text += tile("trials", std::to_string(study.trials.size()), states_text(study));
  if (!study.trials.empty()) text += tile("time", seconds_text(total_seconds(study)), "float model and trials");
  return text.empty() ? text : cat("<dl class=\"figures\">\n", text, "</dl>\n");
}

std::string header(const StudyRecord& study) {
  const std::string model = model_name(study);
  return cat("<header>\n<p class=\"kicker\"><b>titrate</b>", model.empty() ? "" : cat(" · ", escaped(model)), "</p>\n", verdict(study),
             tiles(study), "</header>\n");
}

std::string overview(const StudyRecord& study) {
  if (study.trials.empty()) return {};
  return cat("<div class=\"overview\">\n", html::chart_section(study), "<section>\n<h2>Selected trial</h2>\n", html::details_panel(study),
             "</section>\n</div>\n");
}

}  // namespace

std::string render_html(const StudyRecord& study, const ReportOptions&) {
  const std::string version = fact(study.provenance, "version");
  return cat(head(study), "<body>\n", header(study), "<main>\n", overview(study), html::layers_section(study),
             html::execution_section(study), html::trials_section(study), html::timeline_section(study), html::failures_section(study),
             html::provenance_section(study), "</main>\n<footer>Made by titrate", version.empty() ? "" : cat(" ", escaped(version)),
             " from the study's file alone.</footer>\n", html::data_island(study), "<script>", html::script,
             "</script>\n</body>\n</html>\n");
}

}  // namespace titrate
