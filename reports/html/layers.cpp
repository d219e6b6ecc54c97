#include "reports/html/layers.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/details.hpp"
#include "reports/html/markup.hpp"
#include "reports/html/network_chart.hpp"

namespace titrate::html {

namespace {

// 8 bits reach about 50 dB; what is above is as good as float.
constexpr double full_bar_db = 60;

double bar_of(const std::optional<double>& sqnr_db) {
  if (!sqnr_db || !std::isfinite(*sqnr_db)) return 0;
  return std::round(std::clamp(*sqnr_db / full_bar_db, 0.0, 1.0) * 1000) / 10;
}

std::string bar_cell(const LayerRow& row) {
  if (row.sqnr.empty()) return "<td class=\"figure bar\">–</td>";
  return cat("<td class=\"figure bar\"><span class=\"track\"><i style=\"width:", shortest(row.sqnr_bar), "%\"></i></span><span>",
             escaped(row.sqnr), "</span></td>");
}

std::string row_markup(const LayerRow& row) {
  return cat("<tr", row.is_float ? " class=\"float\"" : "", "><th scope=\"row\">", escaped(row.name), "</th><td>", escaped(row.type),
             "</td><td class=\"code\">", escaped(row.decision), "</td>", bar_cell(row), figure_cell(row.before), figure_cell(row.after),
             "<td class=\"reason\">", escaped(row.reason), "</td></tr>\n");
}

// Of the trial that the page shows at first; the table below follows the selection, this does not.
std::string network_of(const TrialRecord& trial) {
  NetworkChart chart{.id = "network", .title = cat("SQNR of every layer of trial ", trial.number), .layers = {}, .series = {}, .worst = {}};
  NetworkSeries alone{
      .name = cat("SQNR of the layer's own output, the layer alone quantized, trial ", trial.number), .kind = "alone", .decibels = {}};
  for (const LayerDecision& layer : trial.layers) {
    const bool weaker = layer.sqnr_db && std::isfinite(*layer.sqnr_db) && (!chart.worst || *layer.sqnr_db < *alone.decibels[*chart.worst]);
    if (weaker) chart.worst = chart.layers.size();
    chart.layers.push_back(visible(layer.name));
    alone.decibels.push_back(layer.sqnr_db);
  }
  if (!chart.worst) return {};
  chart.series.push_back(std::move(alone));
  return network_figure(chart);
}

}  // namespace

LayerRow layer_row(const LayerDecision& layer) {
  return {.name = visible(layer.name),
          .type = visible(layer.type),
          .decision = visible(layer.scheme),
          .sqnr = decibel_text(layer.sqnr_db),
          .sqnr_bar = bar_of(layer.sqnr_db),
          .before = layer.float_bytes == 0 ? std::string() : bytes_text(layer.float_bytes),
          .after = layer.float_bytes == 0 && layer.stored_bytes == 0 ? std::string() : bytes_text(layer.stored_bytes),
          .reason = visible(layer.reason),
          .is_float = layer.scheme == "float"};
}

std::string layers_summary(const std::vector<LayerDecision>& layers) {
  std::size_t floats = 0;
  std::int64_t before = 0;
  std::int64_t after = 0;
  const LayerDecision* weakest = nullptr;
  for (const LayerDecision& layer : layers) {
    floats += layer.scheme == "float" ? 1 : 0;
    before += layer.float_bytes;
    after += layer.stored_bytes;
    if (layer.sqnr_db && std::isfinite(*layer.sqnr_db) && (weakest == nullptr || *layer.sqnr_db < *weakest->sqnr_db)) weakest = &layer;
  }
  std::string text = cat(layers.size() - floats, " quantized, ", floats, floats == 1 ? " stays float" : " stay float");
  if (before > 0) text += cat("; weights ", bytes_text(before), " → ", bytes_text(after));
  if (weakest != nullptr) text += cat("; lowest SQNR ", decibel_text(weakest->sqnr_db), " at ", visible(weakest->name));
  return text;
}

std::string layers_section(const StudyRecord& study) {
  const TrialRecord* trial = selected_trial(study);
  if (std::ranges::all_of(study.trials, [](const TrialRecord& each) { return each.layers.empty(); })) return {};
  std::string text =
      cat("<section id=\"layers\" aria-labelledby=\"layers-title\">\n<h2 id=\"layers-title\">Layers of trial <span id=\"layers-number\">",
          trial->number, "</span></h2>\n<p class=\"note\" id=\"layers-summary\">", escaped(layers_summary(trial->layers)), "</p>\n",
          network_of(*trial),
          "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-labelledby=\"layers-title\"><table>\n<thead><tr>"
          "<th scope=\"col\">layer</th><th scope=\"col\">type</th><th scope=\"col\">decision</th>"
          "<th scope=\"col\" class=\"figure\"><abbr title=\"signal to quantization noise ratio of the layer's own output, the layer "
          "alone quantized\">SQNR</abbr></th><th scope=\"col\" class=\"figure\">float</th><th scope=\"col\" class=\"figure\">stored</th>"
          "<th scope=\"col\">reason</th></tr></thead>\n<tbody id=\"layer-rows\">\n");
  for (const LayerDecision& layer : trial->layers) text += row_markup(layer_row(layer));
  return text + "</tbody></table></div>\n</section>\n";
}

}  // namespace titrate::html
