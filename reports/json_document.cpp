#include "reports/json_document.hpp"

#include <cmath>

#include "reports/figures.hpp"
#include "reports/report.hpp"

namespace titrate {

namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }
Json integer_or_null(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json layer_json(const LayerDecision& layer) {
  return {{"name", layer.name},
          {"type", layer.type},
          {"scheme", layer.scheme},
          {"reason", text_or_null(layer.reason)},
          {"sqnr_db", number_or_null(layer.sqnr_db)},
          {"float_bytes", layer.float_bytes},
          {"stored_bytes", layer.stored_bytes}};
}

Json lowering_json(const TrialRecord& trial) {
  if (trial.execution.empty()) return nullptr;
  Json nodes = Json::array();
  for (const NodeExecution& node : trial.execution) {
    nodes.push_back({{"name", node.name},
                     {"type", node.type},
                     {"integer", node.integer},
                     {"reason", text_or_null(node.reason)},
                     {"multiply_accumulates", integer_or_null(node.multiply_accumulates)}});
  }
  return {{"integer_coverage", number_or_null(integer_coverage(trial.execution))}, {"nodes", std::move(nodes)}};
}

Json facts_json(const Facts& facts) {
  Json object = Json::object();
  for (const auto& [name, value] : facts) object[name] = value;
  return object;
}

}  // namespace

Json trial_json(const TrialRecord& trial) {
  Json phases = Json::array();
  for (const PhaseTime& phase : trial.phases) phases.push_back({{"phase", phase.phase}, {"seconds", number_or_null(phase.seconds)}});
  Json layers = Json::array();
  for (const LayerDecision& layer : trial.layers) layers.push_back(layer_json(layer));
  return {{"number", trial.number},
          {"config", trial.config},
          {"state", name_of(trial.state)},
          {"metric", number_or_null(trial.metric)},
          {"loss", number_or_null(trial.loss)},
          {"samples_evaluated", integer_or_null(trial.samples_evaluated)},
          {"size_bytes", integer_or_null(trial.size_bytes)},
          {"latency_ms", number_or_null(trial.latency_ms)},
          {"latency_noise_ms", number_or_null(trial.latency_noise_ms)},
          {"seconds", number_or_null(trial.seconds)},
          {"reason", text_or_null(trial.reason)},
          {"started_at", text_or_null(trial.started_at)},
          {"phases", std::move(phases)},
          {"layers", std::move(layers)},
          {"lowering", lowering_json(trial)}};
}

Json baseline_json(const std::optional<Baseline>& baseline) {
  if (!baseline) return nullptr;
  return {{"metric", number_or_null(baseline->metric)},
          {"name", baseline->metric_name},
          {"samples", baseline->samples},
          {"size_bytes", baseline->size_bytes},
          {"latency_ms", number_or_null(baseline->latency_ms)},
          {"latency_noise_ms", number_or_null(baseline->latency_noise_ms)},
          {"seconds", number_or_null(baseline->seconds)}};
}

Json goal_json(const Goal& goal) {
  return {{"tolerable_loss", number_or_null(goal.tolerable_loss)},
          {"loss", name_of(goal.loss)},
          {"higher_is_better", goal.higher_is_better},
          {"objective", name_of(goal.objective)}};
}

std::string trials_json(const StudyRecord& study) {
  const int best = best_number(study);
  Json document = {{"schema", 1}, {"verdict", text_or_null(study.verdict)}, {"sentence", verdict_sentence(study)}};
  document["goal"] = goal_json(study.goal);
  document["baseline"] = baseline_json(study.baseline);
  document["best"] = best == 0 ? Json(nullptr) : Json(best);
  document["trials"] = Json::array();
  for (const TrialRecord& trial : study.trials) document["trials"].push_back(trial_json(trial));
  document["output"] = text_or_null(study.output);
  document["command"] = text_or_null(study.command);
  document["identity"] = facts_json(study.identity);
  document["provenance"] = facts_json(study.provenance);
  return json_text(document);
}

std::string json_text(const Json& document) { return document.dump(2, ' ', true, Json::error_handler_t::replace) + "\n"; }

}  // namespace titrate
