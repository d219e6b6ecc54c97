#include "reports/verdict.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/report.hpp"

namespace titrate {

namespace {

// A config with dozens of overrides is no part of a sentence.
std::string config_in_words(const std::string& config) {
  constexpr std::size_t most = 160;
  const std::string shown = visible(config);
  const std::vector<std::string> parts = split(shown, '|');
  if (shown.size() <= most || parts.size() == 1 || parts[0].size() > most) return shortened(shown, most);
  return cat(trim(parts[0]), " with ", count_text(parts.size() - 1, "override"));
}

std::string loss_clause(double loss, const Goal& goal, bool passed) {
  const std::string amount = loss_text_apart(std::abs(loss), std::abs(goal.tolerable_loss), goal.loss);
  const std::string limit = loss_text(std::abs(goal.tolerable_loss), goal.loss);
  const std::string have = loss == 0 ? "no loss" : cat(loss > 0 ? "loss " : "gain ", amount);
  if (goal.tolerable_loss < 0) return cat(have, " where a gain of at least ", limit, " is asked for");
  if (!passed) return cat(have, " where at most ", limit, " is tolerable");
  return loss > 0 ? cat(have, " of at most ", limit) : cat(have, " where a loss of at most ", limit, " is tolerable");
}

std::string metric_clause(const StudyRecord& study, const TrialRecord& trial) {
  if (!trial.metric || !std::isfinite(*trial.metric)) return {};
  const std::string name = metric_name(study);
  if (!study.baseline) return cat(name, " at ", metric_text(trial.metric));
  const double reference = study.baseline->metric;
  std::string text =
      cat(name, " at ", metric_text_apart(*trial.metric, reference), " (float ", metric_text_apart(reference, *trial.metric));
  if (trial.loss && std::isfinite(*trial.loss)) {
    text += cat(", ", loss_clause(*trial.loss, study.goal, trial.state == TrialState::passed));
  }
  return text + ")";
}

std::string size_clause(const StudyRecord& study, const TrialRecord& trial) {
  const std::string size = bytes_text(trial.size_bytes);
  if (size.empty()) return {};
  const std::string smaller = smaller_text(study.baseline, trial.size_bytes);
  if (smaller.empty()) return cat(" in ", size);
  const std::string change = *trial.size_bytes <= study.baseline->size_bytes ? cat(smaller, " times smaller") : "which is no smaller";
  return cat(" in ", size, " instead of ", bytes_text(study.baseline->size_bytes), ", ", change);
}

std::string layers_clause(const TrialRecord& trial) {
  const auto has_weights = [](const LayerDecision& layer) { return layer.float_bytes > 0; };
  const auto layers = static_cast<std::size_t>(std::ranges::count_if(trial.layers, has_weights));
  const auto floats = static_cast<std::size_t>(
      std::ranges::count_if(trial.layers, [&](const LayerDecision& layer) { return has_weights(layer) && layer.scheme == "float"; }));
  if (layers == 0) return {};
  if (floats == 0) return layers == 1 ? "; its one layer is quantized" : cat("; all ", layers, " layers are quantized");
  return cat("; ", floats, " of ", count_text(layers, "layer"), floats == 1 ? " stays float" : " stay float");
}

VerdictParts without_trials(const StudyRecord& study) {
  VerdictParts parts;
  if (study.verdict == "interrupted") {
    parts.kind = VerdictKind::interrupted;
    parts.label = "Interrupted";
    parts.before = study.baseline ? "before the first trial ended" : "before the float model was measured";
  } else {
    parts.label = "No trials yet";
    parts.before = study.baseline ? "only the float model is measured" : "the float model is not measured either";
  }
  if (study.baseline) {
    parts.before +=
        cat(", ", metric_name(study), " at ", metric_text(study.baseline->metric), " in ", bytes_text(study.baseline->size_bytes));
  }
  parts.after = ".";
  return parts;
}

// The last reason's first line stands for all; the report lists the others.
std::string last_failure(const std::vector<TrialRecord>& trials) {
  for (auto trial = trials.rbegin(); trial != trials.rend(); ++trial) {
    std::string line = visible(split(trim(trial->reason), '\n')[0]);
    line.erase(line.find_last_not_of(".: ") + 1);
    if (!line.empty()) return cat("; the last reason: ", line);
  }
  return {};
}

VerdictParts without_best(const StudyRecord& study, std::size_t finished) {
  VerdictParts parts{VerdictKind::nothing_usable, "Nothing usable", {}, {}, "."};
  if (study.verdict == "interrupted") parts = {VerdictKind::interrupted, "Interrupted", {}, {}, "."};
  if (study.verdict.empty()) parts = {VerdictKind::running, "Still running", {}, {}, "."};
  parts.before = cat(finished == 1 ? "the one trial" : cat("none of ", finished, " trials"), finished == 1 ? " gave no" : " gave a",
                     " model that works", last_failure(study.trials));
  return parts;
}

// The words before the config and the verb after it.
void set_words(VerdictParts& parts, const StudyRecord& study, bool passed, std::size_t finished) {
  const std::string so_far = cat("after ", count_text(finished, "trial"), " the best so far, ");
  const std::string verb = passed ? ", meets the goal with " : ", misses the goal with ";
  if (study.verdict == "interrupted" || study.verdict.empty()) {
    const bool interrupted = study.verdict == "interrupted";
    parts = {
        interrupted ? VerdictKind::interrupted : VerdictKind::running, interrupted ? "Interrupted" : "Still running", so_far, {}, verb};
  } else if (passed) {
    parts = {VerdictKind::met, "Met", {}, {}, " keeps "};
  } else {
    parts = {VerdictKind::not_met, "Not met", finished == 1 ? "the one trial, " : cat("the best of ", finished, " trials, "), {}, ", has "};
  }
}

}  // namespace

VerdictParts verdict_parts(const StudyRecord& study) {
  const auto finished =
      static_cast<std::size_t>(std::ranges::count_if(study.trials, [](const TrialRecord& trial) { return is_finished(trial.state); }));
  if (finished == 0) return without_trials(study);
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best == nullptr) return without_best(study, finished);
  VerdictParts parts;
  set_words(parts, study, best->state == TrialState::passed, finished);
  parts.config = config_in_words(best->config);
  const std::string measured = metric_clause(study, *best);
  parts.after += cat(measured.empty() ? "an unknown metric" : measured, size_clause(study, *best), layers_clause(*best), ".");
  return parts;
}

std::string verdict_sentence(const StudyRecord& study) {
  const VerdictParts parts = verdict_parts(study);
  return cat(parts.label, ": ", parts.before, parts.config, parts.after);
}

}  // namespace titrate
