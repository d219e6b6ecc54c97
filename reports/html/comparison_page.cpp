#include "reports/html/comparison_page.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/html/histogram_chart.hpp"
#include "reports/html/markup.hpp"
#include "reports/html/network_chart.hpp"
#include "reports/html/style.hpp"

namespace titrate::html {
namespace {

constexpr std::size_t most_histogram_layers = 6;

std::string file_name(const std::string& path) { return visible(path.substr(path.find_last_of('/') + 1)); }

std::string head(const ComparisonRecord& comparison) {
  return cat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"titrate\">\n<link rel=\"icon\" "
      "href=\"data:,\">\n"
      "<title>",
      escaped(file_name(comparison.quantized_file)), " beside its float model · titrate</title>\n<style>", style, "</style>\n</head>\n");
}

std::string tile(const std::string& name, const std::string& figure, const std::string& beside) {
  if (figure.empty()) return {};
  return cat("<div><dt>", escaped(name), "</dt><dd>", escaped(figure), "<small>", escaped(beside), "</small></dd></div>\n");
}

std::string number(const std::optional<double>& value, int digits) { return value ? rounded(*value, digits) : std::string(); }

std::string decibels(const std::optional<double>& value) { return value && *value >= 999 ? std::string("equal") : decibel_text(value); }

std::string with_arrows(std::string text) {
  for (std::size_t at = 0; (at = text.find(" -> ", at)) != std::string::npos;) text.replace(at, 4, " → ");
  return text;
}

std::string header(const ComparisonRecord& comparison) {
  std::string text = cat("<header>\n<p class=\"kicker\"><b>titrate</b> · ", escaped(file_name(comparison.quantized_file)), " beside ",
                         escaped(file_name(comparison.float_file)), "</p>\n<h1><strong>Most promising:</strong> ",
                         escaped(with_arrows(advice_text(comparison))), "</h1>\n<dl class=\"figures\">\n");
  text += tile("output SQNR", decibels(comparison.outputs.sqnr_db),
               cat("over ", count_text(static_cast<std::size_t>(comparison.samples), "sample")));
  text += tile("cosine", number(comparison.outputs.cosine, 6), "of the outputs");
  text += tile("largest error", number(comparison.outputs.largest_error, 3), "of an output");
  text += tile("noises added", decibels(comparison.added_db), cat("each layer alone; together ", decibels(comparison.share_db)));
  text += tile("layers", std::to_string(comparison.layers.size()),
               comparison.unmatched.empty() ? "all matched" : cat(comparison.unmatched.size(), " not matched"));
  return text + "</dl>\n</header>\n";
}

std::string network_section(const ComparisonRecord& comparison) {
  NetworkChart chart{
      .id = "network", .title = "SQNR of every layer, from the first to the last", .layers = {}, .series = {}, .worst = comparison.worst};
  NetworkSeries alone{.name = "this layer alone quantized", .kind = "alone", .decibels = {}};
  NetworkSeries accumulated{.name = "the whole model at this layer", .kind = "accumulated", .decibels = {}};
  for (const LayerComparison& layer : comparison.layers) {
    chart.layers.push_back(visible(layer.name));
    alone.decibels.push_back(layer.alone.sqnr_db);
    accumulated.decibels.push_back(layer.accumulated.sqnr_db);
  }
  chart.series = {std::move(alone), std::move(accumulated)};
  return cat("<section>\n<h2>Along the network</h2>\n", network_figure(chart), "</section>\n");
}

// What each cause leaves of a layer's signal, as rows of bars: the worst layers by their share of the outputs' noise.
std::vector<std::size_t> worst_layers(const ComparisonRecord& comparison) {
  std::vector<std::size_t> order(comparison.layers.size());
  for (std::size_t index = 0; index < order.size(); ++index) order[index] = index;
  const auto worse = [&](std::size_t left, std::size_t right) {
    const LayerComparison& one = comparison.layers[left];
    const LayerComparison& other = comparison.layers[right];
    if (one.output_share != other.output_share) return one.output_share.value_or(0) > other.output_share.value_or(0);
    return one.alone.sqnr_db.value_or(-999) < other.alone.sqnr_db.value_or(-999);
  };
  std::stable_sort(order.begin(), order.end(), worse);
  if (order.size() > most_histogram_layers) order.resize(most_histogram_layers);
  return order;
}

std::string percent(const std::optional<double>& part) { return part ? cat(rounded(*part * 100, 3), " %") : std::string(); }

std::string histograms_section(const ComparisonRecord& comparison) {
  std::string text;
  for (const std::size_t index : worst_layers(comparison)) {
    const LayerComparison& layer = comparison.layers[index];
    if (layer.histograms.empty()) continue;
    text += cat("<h3>", escaped(visible(layer.name)), " <span class=\"code\">", escaped(visible(layer.type)),
                "</span></h3>\n<p class=\"note\">", escaped(layer.stored),
                layer.output_share ? cat("; ", percent(layer.output_share), " of the noise at the outputs") : "",
                "</p>\n<div class=\"histograms\">\n");
    for (const Histogram& histogram : layer.histograms) text += histogram_figure(histogram);
    text += "</div>\n";
  }
  if (text.empty()) return {};
  return cat(
      "<section>\n<h2>What the worst layers hold</h2>\n<p class=\"note\">In the float model, on these samples. Heights are logarithms of "
      "the counts; what is shaded "
      "lies outside the numbers that have codes.</p>\n",
      text, "</section>\n");
}

std::string effect_cell(const std::optional<double>& decibel) {
  return figure_cell(decibel && *decibel >= 999 ? std::string() : short_decibel(decibel));
}

std::string row(const LayerComparison& layer, bool worst) {
  return cat("<tr", worst ? " class=\"best\"" : "", "><th scope=\"row\">", escaped(layer.name),
             worst ? " <span class=\"tag\">worst</span>" : "", "</th><td>", escaped(layer.type), "</td><td>", escaped(layer.stored),
             "</td>", figure_cell(layer.weights ? short_decibel(layer.weights->sqnr_db) : std::string()),
             figure_cell(short_decibel(layer.alone.sqnr_db)), figure_cell(short_decibel(layer.accumulated.sqnr_db)),
             figure_cell(number(layer.accumulated.cosine, 5)), figure_cell(number(layer.accumulated.largest_error, 3)),
             effect_cell(layer.effects.weights_db), effect_cell(layer.effects.clipping_db), effect_cell(layer.effects.rounding_db),
             effect_cell(layer.effects.bias_db), figure_cell(percent(layer.output_share)), "<td class=\"reason\">", escaped(layer.remark),
             "</td></tr>\n");
}

std::string layers_section(const ComparisonRecord& comparison) {
  const bool remarks = std::ranges::any_of(comparison.layers, [](const LayerComparison& layer) { return !layer.remark.empty(); });
  std::string text =
      "<section>\n<h2 id=\"layers-title\">Layers</h2>\n<p class=\"note\">SQNR in dB. Alone: only this layer quantized, on the float "
      "model's values. Accumulated, cosine, "
      "largest error: the whole quantized model at this layer. Weights, clipping, rounding, bias: alone, with only that quantized. Noise: "
      "its share at the "
      "outputs.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"layers-title\"><table>\n<thead><tr><th "
      "scope=\"col\">layer</th>"
      "<th scope=\"col\">type</th><th scope=\"col\">stored</th>";
  for (const char* title :
       {"weights' own", "alone", "accumulated", "cosine", "largest error", "weights", "clipping", "rounding", "bias", "noise"})
    text += cat("<th scope=\"col\" class=\"figure\">", title, "</th>");
  text += cat("<th scope=\"col\">", remarks ? "remark" : "", "</th></tr></thead>\n<tbody>\n");
  for (std::size_t index = 0; index < comparison.layers.size(); ++index) text += row(comparison.layers[index], index == comparison.worst);
  return text + "</tbody></table></div>\n</section>\n";
}

std::string facts_section(const ComparisonRecord& comparison) {
  std::string text;
  if (const std::string moved = moved_scales_text(comparison); !moved.empty())
    text += cat("<p>Scales were moved: ", escaped(moved), ".</p>\n");
  if (const std::string added = addition_text(comparison); !added.empty()) text += cat("<p>Adding up: ", escaped(added), ".</p>\n");
  if (!comparison.worst_samples.empty()) {
    text += "<h3>Worst samples</h3>\n<ul>\n";
    for (const SampleLikeness& sample : comparison.worst_samples)
      text += cat("<li>", escaped(sample.place), ": ", decibels(sample.sqnr_db), "</li>\n");
    text += "</ul>\n";
  }
  if (!comparison.unmatched.empty()) {
    text += "<h3>Not matched</h3>\n<ul>\n";
    for (const UnmatchedLayer& layer : comparison.unmatched)
      text += cat("<li>", escaped(layer.name), " (", escaped(layer.type), "): ", escaped(layer.reason), "</li>\n");
    text += "</ul>\n";
  }
  return cat("<section>\n<h2>Outputs</h2>\n", text, "</section>\n");
}

}  // namespace

std::string comparison_page(const ComparisonRecord& comparison) {
  return cat(head(comparison), "<body>\n", header(comparison), "<main>\n", network_section(comparison), histograms_section(comparison),
             layers_section(comparison), facts_section(comparison),
             "</main>\n<footer>Made by titrate compare.</footer>\n</body>\n</html>\n");
}

}  // namespace titrate::html
