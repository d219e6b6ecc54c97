// GitHub-flavoured Markdown: tables that can be pasted into an issue.
#include <algorithm>
#include <array>

#include "engine/base/text.hpp"
#include "reports/execution.hpp"
#include "reports/figures.hpp"
#include "reports/table.hpp"
#include "reports/verdict.hpp"

namespace titrate {

namespace {

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || byte >= 0x80 || std::string_view(" .,;()=+-/%'").find(c) != std::string_view::npos;
}

// Punctuation as entities: it shows as itself wherever it stands and marks up nothing, not even an address or a @mention.
std::string text(std::string_view words) {
  std::string result;
  for (const char c : visible(words))
    result += is_plain(c) ? std::string(1, c) : cat("&#", static_cast<int>(static_cast<unsigned char>(c)), ";");
  return result;
}

std::string lines(std::string_view words) {
  std::vector<std::string> parts = split(words, '\n');
  for (std::string& part : parts) part = text(part);
  return join(parts, "<br>");
}

// A code span. Backslashes and backticks have rules of their own there, and again in tables, so such a text goes into a tag.
std::string code(const std::string& words) {
  if (words.empty()) return {};
  std::string shown = visible(words);
  if (shown.find_first_of("\\`") != std::string::npos || shown.starts_with(' ') || shown.ends_with(' '))
    return cat("<code>", text(words), "</code>");
  for (std::size_t at = shown.find('|'); at != std::string::npos; at = shown.find('|', at + 2)) shown.replace(at, 1, "\\|");
  return cat("`", shown, "`");
}

std::string row(std::span<const std::string> cells) { return cat("| ", join(cells, " | "), " |\n"); }
std::string row(std::initializer_list<std::string> cells) { return row(std::span(cells.begin(), cells.size())); }

std::string bold_if(bool is_bold, const std::string& words) { return is_bold && !words.empty() ? cat("**", words, "**") : words; }

std::string trials_section(const StudyRecord& study) {
  if (!study.baseline && study.trials.empty()) return {};
  std::string result =
      cat("\n## Trials\n\n", row({"#", "config", "state", text(metric_name(study)), "loss", "size", "times smaller", "latency", "time"}),
          "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  if (study.baseline) {
    const Baseline& baseline = *study.baseline;
    result += row({"", "float", "baseline", metric_text(baseline.metric), "", bytes_text(baseline.size_bytes), "",
                   latency_text(baseline.latency_ms, baseline.latency_noise_ms), seconds_text(baseline.seconds)});
  }
  const int best = best_number(study);
  for (const TrialRecord& trial : study.trials) {
    result += row({bold_if(trial.number == best, std::to_string(trial.number)), code(trial.config),
                   bold_if(trial.number == best, state_text(trial.state)), metric_text(trial.metric), loss_figure(trial, study.goal),
                   bytes_text(trial.size_bytes), smaller_text(study.baseline, trial.size_bytes),
                   latency_text(trial.latency_ms, trial.latency_noise_ms), seconds_text(trial.seconds)});
  }
  return result;
}

std::string remarks_section(const StudyRecord& study) {
  std::string result;
  for (const TrialRecord& trial : study.trials) {
    if (!trial.reason.empty())
      result += cat("- Trial ", trial.number, ", ", state_text(trial.state), ": ", lines(trim(trial.reason)), "\n");
  }
  return result.empty() ? result : cat("\n## Failures and remarks\n\n", result);
}

std::string layers_section(const StudyRecord& study) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best == nullptr || best->layers.empty()) return {};
  std::string result =
      cat("\n## Layers of trial ", best->number, "\n\n", code(best->config), "\n\n",
          row({"layer", "type", "decision", "SQNR", "float", "stored", "reason"}), "| --- | --- | --- | ---: | ---: | ---: | --- |\n");
  for (const LayerDecision& layer : best->layers) {
    result += row({code(layer.name), text(layer.type), code(layer.scheme), decibel_text(layer.sqnr_db), bytes_text(layer.float_bytes),
                   bytes_text(layer.stored_bytes), text(layer.reason)});
  }
  return result;
}

std::string execution_section(const StudyRecord& study) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best == nullptr || best->execution.empty()) return {};
  std::string result = cat("\n## Integer execution of trial ", best->number, "\n\n", text(execution_summary(*best)), "\n");
  const std::vector<NodeExecution> nodes = float_nodes(*best);
  if (nodes.empty()) return result;
  result += cat("\n", row({"node", "type", "multiply-accumulates", "why it runs in float"}), "| --- | --- | ---: | --- |\n");
  for (const NodeExecution& node : nodes)
    result += row({code(node.name), text(node.type), multiply_accumulates_text(node), text(node.reason)});
  return result;
}

std::string provenance_section(const StudyRecord& study) {
  std::string result;
  for (const Facts* facts : {&study.identity, &study.provenance}) {
    for (const auto& [name, value] : *facts) result += row({text(name), code(value)});
  }
  if (!study.output.empty()) result += row({"output", code(study.output)});
  if (!study.command.empty()) result += row({"command", code(study.command)});
  return result.empty() ? result : cat("\n## Provenance\n\n| | |\n| --- | --- |\n", result);
}

std::string verdict_section(const StudyRecord& study) {
  const VerdictParts parts = verdict_parts(study);
  return cat("# titrate\n\n**", parts.label, ":** ", text(parts.before), code(parts.config), text(parts.after), "\n");
}

}  // namespace

std::string render_markdown(const StudyRecord& study, const ReportOptions&) {
  return cat(verdict_section(study), trials_section(study), remarks_section(study), layers_section(study), execution_section(study),
             provenance_section(study));
}

}  // namespace titrate
