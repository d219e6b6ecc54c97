// The trials as a table, the layers worth a look, and last, where the eye is, the verdict.
#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/execution.hpp"
#include "reports/figures.hpp"
#include "reports/table.hpp"
#include "reports/text_table.hpp"
#include "reports/verdict.hpp"

namespace titrate {

namespace {

// ANSI SGR codes.
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view plain = "\x1b[0m";

std::string_view color_of(TrialState state) {
  switch (state) {
    case TrialState::passed:
      return green;
    case TrialState::error:
      return red;
    case TrialState::failed_goal:
      return {};
    default:
      return dim;
  }
}

std::string_view color_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::met:
      return green;
    case VerdictKind::not_met:
    case VerdictKind::interrupted:
      return yellow;
    case VerdictKind::nothing_usable:
      return red;
    default:
      return {};
  }
}

std::string colored(const std::string& text, std::string_view color, const ReportOptions& options) {
  return options.color && !color.empty() ? cat(color, text, plain) : text;
}

// Lines of a paragraph; those after the first begin with `indent` blanks.
std::string paragraph(const std::string& text, const ReportOptions& options, int indent = 0) {
  std::string lines;
  for (const std::string& line : wrapped(text, std::max(20, options.width - indent))) {
    lines += cat(lines.empty() ? std::string() : std::string(static_cast<std::size_t>(indent), ' '), line, "\n");
  }
  return lines;
}

std::string with_unit(const std::string& figure, std::string_view unit) { return figure.empty() ? figure : cat(figure, unit); }

void add_trial(TextTable& table, const StudyRecord& study, const TrialRecord& trial, bool is_best, const ReportOptions& options) {
  const std::string_view mark = !is_best ? "" : options.unicode ? "▸" : ">";
  const bool strong = is_best && options.color;
  const std::string before = options.color ? cat(strong ? bold : "", color_of(trial.state)) : std::string();
  table.add({std::string(mark), std::to_string(trial.number), visible(trial.config), state_text(trial.state), metric_text(trial.metric),
             loss_figure(trial, study.goal), bytes_text(trial.size_bytes),
             with_unit(smaller_text(study.baseline, trial.size_bytes), options.unicode ? "×" : "x"),
             latency_text(trial.latency_ms, trial.latency_noise_ms, options.unicode), seconds_text(trial.seconds)},
            before, before.empty() ? std::string() : std::string(plain));
}

std::string trials_table(const StudyRecord& study, const ReportOptions& options) {
  TextTable table({{"", false, false},
                   {"#", true, false},
                   {"config", false, true},
                   {"state", false, false},
                   {metric_name(study), true, false},
                   {"loss", true, false},
                   {"size", true, false},
                   {"smaller", true, false},
                   {"latency", true, false},
                   {"time", true, false}});
  if (study.baseline) {
    const Baseline& baseline = *study.baseline;
    table.add({"", "", "float", "baseline", metric_text(baseline.metric), "", bytes_text(baseline.size_bytes), "",
               latency_text(baseline.latency_ms, baseline.latency_noise_ms, options.unicode), seconds_text(baseline.seconds)});
  }
  const int best = best_number(study);
  for (const TrialRecord& trial : study.trials) add_trial(table, study, trial, trial.number == best, options);
  return table.text(options.width);
}

// What went wrong, trial by trial: of a program's words the first lines, the other reports have them all.
std::string remarks(const StudyRecord& study, const ReportOptions& options) {
  std::string text;
  for (const TrialRecord& trial : study.trials) {
    if (trial.reason.empty()) continue;
    constexpr std::size_t most = 4;
    const std::vector<std::string> lines = split(trim(trial.reason), '\n');
    for (std::size_t index = 0; index < std::min(lines.size(), most); ++index) {
      const std::string before = index == 0 ? cat("  trial ", trial.number, ": ") : std::string("    ");
      text += paragraph(before + visible(lines[index]), options, 4);
    }
    if (lines.size() > most) text += cat("    and ", lines.size() - most, " more lines\n");
  }
  return text.empty() ? text : cat(colored("Remarks", bold, options), "\n", text, "\n");
}

bool is_worth_a_look(const LayerDecision& layer) { return layer.scheme == "float" || !layer.reason.empty(); }

std::string layers_table(const std::vector<LayerDecision>& layers, const ReportOptions& options) {
  constexpr std::size_t most = 20;
  TextTable table({{"  layer", false, true},
                   {"type", false, false},
                   {"decision", false, false},
                   {"SQNR", true, false},
                   {"float", true, false},
                   {"stored", true, false},
                   {"reason", false, true}});
  std::size_t shown = 0;
  std::size_t worthy = 0;
  for (const LayerDecision& layer : layers) {
    if (!is_worth_a_look(layer) || ++worthy > most) continue;
    ++shown;
    table.add({cat("  ", visible(layer.name)), visible(layer.type), visible(layer.scheme), decibel_text(layer.sqnr_db),
               bytes_text(layer.float_bytes), bytes_text(layer.stored_bytes), visible(layer.reason)});
  }
  if (worthy == 0) return {};
  return cat(table.text(options.width), worthy > shown ? cat("  and ", worthy - shown, " more\n") : std::string());
}

const LayerDecision* weakest_layer(const std::vector<LayerDecision>& layers) {
  const LayerDecision* weakest = nullptr;
  for (const LayerDecision& layer : layers) {
    if (layer.sqnr_db && std::isfinite(*layer.sqnr_db) && (weakest == nullptr || *layer.sqnr_db < *weakest->sqnr_db)) weakest = &layer;
  }
  return weakest;
}

// The share that runs on integers, and why the rest does not.
std::string execution_lines(const TrialRecord& trial, const ReportOptions& options) {
  const std::string summary = execution_summary(trial);
  if (summary.empty()) return {};
  constexpr std::size_t most = 10;
  const std::vector<NodeExecution> nodes = float_nodes(trial);
  std::string text = paragraph(cat("  integer coverage: ", summary), options, 4);
  for (std::size_t index = 0; index < std::min(nodes.size(), most); ++index) {
    const NodeExecution& node = nodes[index];
    text +=
        cat("    ",
            paragraph(cat(visible(node.name), " (", visible(node.type), ", ", multiply_accumulates_text(node), "): ", visible(node.reason)),
                      options, 6));
  }
  if (nodes.size() > most) text += cat("    and ", nodes.size() - most, " more\n");
  return text;
}

std::string best_section(const StudyRecord& study, const ReportOptions& options) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best == nullptr) return {};
  std::string text = colored(cat("Best: trial ", best->number), bold, options) + "\n";
  text += cat("  ", paragraph(visible(best->config), options, 2));
  text += layers_table(best->layers, options);
  if (const LayerDecision* weakest = weakest_layer(best->layers)) {
    text += paragraph(cat("  lowest SQNR: ", decibel_text(weakest->sqnr_db), " at ", visible(weakest->name), " (", visible(weakest->type),
                          ", ", visible(weakest->scheme), ")"),
                      options, 4);
  }
  return cat(text, execution_lines(*best, options), "\n");
}

std::string verdict_section(const StudyRecord& study, const ReportOptions& options) {
  const VerdictParts parts = verdict_parts(study);
  std::string text = paragraph(verdict_sentence(study), options);
  if (options.color) text.replace(0, parts.label.size(), cat(bold, color_of(parts.kind), parts.label, plain));
  if (!study.output.empty()) text += cat("Model:  ", visible(study.output), "\n");
  if (!study.command.empty()) text += cat("Again:  ", visible(study.command), "\n");
  return text;
}

}  // namespace

std::string render_terminal(const StudyRecord& study, const ReportOptions& options) {
  std::string text;
  if (study.baseline || !study.trials.empty()) text += trials_table(study, options) + "\n";
  return text + remarks(study, options) + best_section(study, options) + verdict_section(study, options);
}

}  // namespace titrate
