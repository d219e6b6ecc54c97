#include "reports/html/tables.hpp"

#include <algorithm>
#include <vector>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/details.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {

namespace {

std::string times(const std::string& ratio) { return ratio.empty() ? ratio : cat(ratio, "×"); }

std::string trial_row(const StudyRecord& study, const TrialRecord& trial, bool is_best, bool is_selected) {
  std::string classes(name_of(trial.state));
  if (is_best) classes += " best";
  if (is_selected) classes += " selected";
  return cat("<tr class=\"", classes, "\" data-trial=\"", trial.number, "\"><th scope=\"row\" class=\"figure\">", trial.number,
             "</th><td class=\"code config\">", escaped(trial.config), is_best ? " <span class=\"tag\">best</span>" : "",
             "</td><td class=\"state\">", state_text(trial.state), "</td>", figure_cell(metric_text(trial.metric)),
             figure_cell(loss_figure(trial, study.goal)), figure_cell(bytes_text(trial.size_bytes)),
             figure_cell(times(smaller_text(study.baseline, trial.size_bytes))),
             figure_cell(latency_text(trial.latency_ms, trial.latency_noise_ms)), figure_cell(seconds_text(trial.seconds)), "</tr>\n");
}

std::string baseline_row(const Baseline& baseline) {
  return cat("<tr class=\"baseline\"><th scope=\"row\" class=\"figure\">–</th><td>the float model</td><td class=\"state\">baseline</td>",
             figure_cell(metric_text(baseline.metric)), figure_cell(""), figure_cell(bytes_text(baseline.size_bytes)), figure_cell(""),
             figure_cell(latency_text(baseline.latency_ms, baseline.latency_noise_ms)), figure_cell(seconds_text(baseline.seconds)),
             "</tr>\n");
}

// Trials that ended for the same reason in the same state.
struct Failure {
  TrialState state;
  std::string reason;
  std::vector<int> trials;
};

std::vector<Failure> failures_of(const StudyRecord& study) {
  std::vector<Failure> failures;
  for (const TrialRecord& trial : study.trials) {
    const bool gave_up = trial.state == TrialState::error || trial.state == TrialState::pruned || trial.state == TrialState::interrupted;
    if (!gave_up && trial.reason.empty()) continue;
    const auto same =
        std::ranges::find_if(failures, [&](const Failure& each) { return each.state == trial.state && each.reason == trial.reason; });
    if (same == failures.end()) {
      failures.push_back({trial.state, trial.reason, {trial.number}});
    } else {
      same->trials.push_back(trial.number);
    }
  }
  return failures;
}

std::string numbers_text(const std::vector<int>& numbers) {
  constexpr std::size_t most = 12;
  std::string text;
  for (std::size_t index = 0; index < std::min(numbers.size(), most); ++index) text += cat(index == 0 ? "" : ", ", numbers[index]);
  return numbers.size() > most ? cat(text, " and ", numbers.size() - most, " more") : text;
}

std::string fact_markup(const std::string& name, const std::string& value) {
  return cat("<div><dt>", escaped(name), "</dt><dd>", escaped(value), "</dd></div>\n");
}

}  // namespace

std::string trials_section(const StudyRecord& study) {
  if (study.trials.empty() && !study.baseline) return {};
  std::string text =
      cat("<section id=\"trials\" aria-labelledby=\"trials-title\">\n<h2 id=\"trials-title\">Trials</h2>\n"
          "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-labelledby=\"trials-title\"><table>\n<thead><tr>"
          "<th scope=\"col\" class=\"figure\">#</th><th scope=\"col\">config</th><th scope=\"col\">state</th><th scope=\"col\" "
          "class=\"figure\">",
          escaped(metric_name(study)),
          "</th><th scope=\"col\" class=\"figure\">loss</th><th scope=\"col\" class=\"figure\">size</th><th scope=\"col\" "
          "class=\"figure\">smaller</th><th scope=\"col\" class=\"figure\">latency</th><th scope=\"col\" "
          "class=\"figure\">time</th></tr></thead>\n"
          "<tbody id=\"trial-rows\">\n");
  if (study.baseline) text += baseline_row(*study.baseline);
  const int best = best_number(study);
  const TrialRecord* selected = selected_trial(study);
  for (const TrialRecord& trial : study.trials) text += trial_row(study, trial, trial.number == best, &trial == selected);
  return text + "</tbody></table></div>\n</section>\n";
}

std::string failures_section(const StudyRecord& study) {
  const std::vector<Failure> failures = failures_of(study);
  if (failures.empty()) return {};
  std::string text =
      "<section id=\"failures\" aria-labelledby=\"failures-title\">\n<h2 id=\"failures-title\">Failures and remarks</h2>\n"
      "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">trials</th><th scope=\"col\">state</th><th "
      "scope=\"col\">reason</th></tr></thead>\n<tbody>\n";
  for (const Failure& failure : failures) {
    text += cat("<tr class=\"", name_of(failure.state), "\"><th scope=\"row\">", numbers_text(failure.trials), "</th><td class=\"state\">",
                state_text(failure.state), "</td><td class=\"lines\">",
                failure.reason.empty() ? "no reason was recorded" : escaped_lines(trim(failure.reason)), "</td></tr>\n");
  }
  return text + "</tbody></table></div>\n</section>\n";
}

std::string provenance_section(const StudyRecord& study) {
  if (study.identity.empty() && study.provenance.empty() && study.command.empty() && study.output.empty()) return {};
  std::string text = "<section id=\"provenance\" aria-labelledby=\"provenance-title\">\n<h2 id=\"provenance-title\">Provenance</h2>\n";
  if (!study.command.empty()) {
    text +=
        cat("<p class=\"note\">This command reproduces the study, or goes on with it:</p>\n<div class=\"command\"><pre id=\"command\" "
            "tabindex=\"0\"><code>",
            escaped(study.command), "</code></pre></div>\n");
  }
  text += "<dl class=\"facts\">\n";
  if (!study.output.empty()) text += fact_markup("output", study.output);
  for (const Facts* facts : {&study.identity, &study.provenance}) {
    for (const auto& [name, value] : *facts) {
      if (value != study.command || value.empty()) text += fact_markup(name, value);
    }
  }
  return text + "</dl>\n</section>\n";
}

}  // namespace titrate::html
