#include "engine/quant/check/check.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/targets/breach.hpp"

namespace titrate::engine {
namespace {

// What the lowering pass says of a node in words, the description says again: once is enough.
void drop_repetitions(std::vector<Finding>& findings) {
  std::set<std::string> told;
  for (const Finding& finding : findings) {
    if (finding.rule == float_arithmetic_rule.name || finding.rule == costly_quantizers_rule.name) told.insert(finding.node);
  }
  std::erase_if(findings, [&](const Finding& finding) {
    const bool of_description = std::ranges::find(breach::all, finding.rule) != breach::all.end();
    return of_description && finding.severity != Severity::error && told.contains(finding.node);
  });
}

void sort_findings(const Graph& graph, std::vector<Finding>& findings) {
  std::map<std::string_view, std::size_t> position;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) position.emplace(graph.nodes[index].name, index);
  std::ranges::stable_sort(findings, [&](const Finding& a, const Finding& b) {
    if (a.severity != b.severity) return a.severity > b.severity;
    const auto at = [&](const Finding& finding) {
      const auto found = position.find(finding.node);
      return found == position.end() ? graph.nodes.size() : found->second;
    };
    return at(a) < at(b);
  });
}

}  // namespace

std::size_t CheckReport::count(Severity severity) const {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

CheckReport check(const Model& model, const Target& target) {
  CheckedModel checked(model, target);
  CheckReport report;
  for (const RuleRow& rule : check_rules()) rule.find(checked, report.findings);
  drop_repetitions(report.findings);
  sort_findings(model.graph, report.findings);
  if (target.onnxruntime) report.integer_coverage = checked.lowering_report().integer_coverage();
  return report;
}

void refuse_errors(const Model& model, const Target& target) {
  CheckedModel checked(model, target);
  std::vector<Finding> findings;
  for (const RuleRow& rule : check_rules()) {
    if (rule.finds_errors) rule.find(checked, findings);
  }
  std::erase_if(findings, [](const Finding& finding) { return finding.severity != Severity::error; });
  if (findings.empty()) return;
  const Finding& first = findings.front();
  const std::string more = findings.size() > 1 ? cat(", and ", findings.size() - 1, " more") : "";
  throw_invalid(cat("the quantized model would be wrong on ", target.name, ": node '", visible(first.node), "' breaks the rule ",
                    first.rule, ": ", first.words, more),
                {}, first.hint);
}

}  // namespace titrate::engine
