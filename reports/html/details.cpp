#include "reports/html/details.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/layers.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {

namespace {

using Json = nlohmann::ordered_json;

std::string phases_text(const std::vector<PhaseTime>& phases) {
  std::vector<std::string> parts;
  for (const PhaseTime& phase : phases) parts.push_back(cat(visible(phase.phase), " ", seconds_text(phase.seconds)));
  return join(parts, ", ");
}

// Line breaks stay, so that a program's last words can be read.
std::string visible_lines(const std::string& text) {
  std::vector<std::string> lines = split(trim(text), '\n');
  for (std::string& line : lines) line = visible(line);
  return join(lines, "\n");
}

// Most trials share most layers' rows: each different row is written once.
class LayerRows {
 public:
  std::size_t index_of(const LayerDecision& layer) {
    const LayerRow row = layer_row(layer);
    Json json = {row.name, row.type, row.decision, row.sqnr, row.sqnr_bar, row.before, row.after, row.reason, row.is_float ? 1 : 0};
    const auto [found, is_new] = indices_.try_emplace(json.dump(), rows_.size());
    if (is_new) rows_.push_back(std::move(json));
    return found->second;
  }
  [[nodiscard]] Json take() { return std::move(rows_); }

 private:
  std::map<std::string, std::size_t> indices_;
  Json rows_ = Json::array();
};

Json trial_data(const StudyRecord& study, const TrialRecord& trial, LayerRows& rows) {
  Json facts = Json::array();
  for (const auto& [label, value] : trial_facts(study, trial)) facts.push_back(Json::array({label, value}));
  Json layers = Json::array();
  for (const LayerDecision& layer : trial.layers) layers.push_back(rows.index_of(layer));
  return {{"n", trial.number},         {"config", visible(trial.config)},       {"state", state_text(trial.state)},
          {"facts", std::move(facts)}, {"reason", visible_lines(trial.reason)}, {"summary", layers_summary(trial.layers)},
          {"rows", std::move(layers)}};
}

// Whatever could end the element, or begin markup in an old reader, is written as \u003c and so on.
std::string island_text(const Json& data) {
  std::string text;
  for (const char c : data.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else if (c == '>') {
      text += "\\u003e";
    } else if (c == '&') {
      text += "\\u0026";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

const TrialRecord* selected_trial(const StudyRecord& study) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best != nullptr || study.trials.empty()) return best;
  return &study.trials.front();
}

std::vector<std::pair<std::string, std::string>> trial_facts(const StudyRecord& study, const TrialRecord& trial) {
  const std::string smaller = smaller_text(study.baseline, trial.size_bytes);
  const std::string size = bytes_text(trial.size_bytes);
  const bool has_samples = trial.samples_evaluated.has_value();
  std::vector<std::pair<std::string, std::string>> facts{
      {"state", state_text(trial.state)},
      {metric_name(study), metric_text(trial.metric)},
      {"loss", loss_figure(trial, study.goal)},
      {"size", smaller.empty() ? size : cat(size, ", ", smaller, "× smaller")},
      {"latency", latency_text(trial.latency_ms, trial.latency_noise_ms)},
      {"samples", has_samples ? std::to_string(*trial.samples_evaluated) : std::string()},
      {"time", seconds_text(trial.seconds)},
      {"phases", phases_text(trial.phases)},
      {"started", visible(trial.started_at)}};
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

std::string details_panel(const StudyRecord& study) {
  const TrialRecord* trial = selected_trial(study);
  if (trial == nullptr) return {};
  std::string text = cat(
      "<aside id=\"details\" aria-live=\"polite\" aria-label=\"selected trial\">\n<h3>Trial <span id=\"details-number\">", trial->number,
      "</span> <span id=\"details-best\" class=\"tag\"", trial->number == best_number(study) ? "" : " hidden",
      ">best</span></h3>\n<p class=\"code config\" id=\"details-config\">", escaped(trial->config), "</p>\n<dl id=\"details-facts\">\n");
  for (const auto& [label, value] : trial_facts(study, *trial))
    text += cat("<div><dt>", escaped(label), "</dt><dd>", escaped(value), "</dd></div>\n");
  return cat(text, "</dl>\n<p class=\"lines\" id=\"details-reason\">", escaped_lines(visible_lines(trial->reason)), "</p>\n</aside>\n");
}

std::string data_island(const StudyRecord& study) {
  const TrialRecord* selected = selected_trial(study);
  if (selected == nullptr) return {};
  LayerRows rows;
  Json trials = Json::array();
  for (const TrialRecord& trial : study.trials) trials.push_back(trial_data(study, trial, rows));
  const Json data = {{"best", best_number(study)}, {"selected", selected->number}, {"rows", rows.take()}, {"trials", std::move(trials)}};
  return cat("<script type=\"application/json\" id=\"study\">", island_text(data), "</script>\n");
}

}  // namespace titrate::html
