#include "reports/html/execution.hpp"

#include "engine/base/text.hpp"
#include "reports/execution.hpp"
#include "reports/html/markup.hpp"

namespace titrate::html {

std::string execution_section(const StudyRecord& study) {
  const TrialRecord* best = best_trial(study.trials, study.goal.objective);
  if (best == nullptr || best->execution.empty()) return {};
  std::string text =
      cat("<section id=\"execution\" aria-labelledby=\"execution-title\">\n<h2 id=\"execution-title\">Integer execution of trial ",
          best->number, "</h2>\n<p class=\"note\">", escaped(execution_summary(*best)), "</p>\n");
  const std::vector<NodeExecution> nodes = float_nodes(*best);
  if (nodes.empty()) return text + "</section>\n";
  text +=
      "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-labelledby=\"execution-title\"><table>\n<thead><tr>"
      "<th scope=\"col\">node</th><th scope=\"col\">type</th><th scope=\"col\" class=\"figure\">multiply-accumulates</th>"
      "<th scope=\"col\">why it runs in float</th></tr></thead>\n<tbody>\n";
  for (const NodeExecution& node : nodes) {
    text += cat("<tr><th scope=\"row\">", escaped(visible(node.name)), "</th><td>", escaped(visible(node.type)), "</td>",
                figure_cell(multiply_accumulates_text(node)), "<td class=\"reason\">", escaped(visible(node.reason)), "</td></tr>\n");
  }
  return text + "</tbody></table></div>\n</section>\n";
}

}  // namespace titrate::html
