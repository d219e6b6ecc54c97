#include "reports/comparison_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/text_table.hpp"

namespace titrate {
namespace {

// More of them would hide what follows.
constexpr std::size_t most_unmatched = 10;
constexpr std::size_t most_named = 5;

std::string number(const std::optional<double>& value, int digits) { return value ? rounded(*value, digits) : std::string(); }

// An effect that is none is no figure.
std::string effect(const std::optional<double>& decibel) { return decibel && *decibel >= 999 ? std::string("-") : short_decibel(decibel); }

std::string share(const std::optional<double>& part) {
  return part ? cat(rounded(*part * 100, *part < 0.0995 ? 2 : 3), " %") : std::string();
}

// Narrow terminals have no room for it; columns without a text are left out.
constexpr int width_for_types = 110;

TextTable empty_table() {
  return TextTable({{"", false, false},
                    {"layer", false, true},
                    {"type", false, false},
                    {"weights", true, false},
                    {"alone", true, false},
                    {"accum.", true, false},
                    {"cosine", true, false},
                    {"largest", true, false},
                    {"w", true, false},
                    {"clip", true, false},
                    {"round", true, false},
                    {"bias", true, false},
                    {"noise", true, false}});
}

void add_layer(TextTable& table, const LayerComparison& layer, bool worst, const ReportOptions& options) {
  const std::string mark = worst ? (options.unicode ? "▸" : ">") : "";
  const bool bold = worst && options.color;
  table.add({mark, visible(layer.name), options.width < width_for_types ? std::string() : visible(layer.type),
             layer.weights ? short_decibel(layer.weights->sqnr_db) : std::string(), short_decibel(layer.alone.sqnr_db),
             short_decibel(layer.accumulated.sqnr_db), number(layer.accumulated.cosine, 5), number(layer.accumulated.largest_error, 3),
             effect(layer.effects.weights_db), effect(layer.effects.clipping_db), effect(layer.effects.rounding_db),
             effect(layer.effects.bias_db), share(layer.output_share)},
            bold ? "\x1b[1m" : "", bold ? "\x1b[0m" : "");
}

std::string percent_clipped(double part) { return part < 0.0001 ? std::string("less than 0.01 %") : cat(rounded(part * 100, 2), " %"); }

std::string clipped_text(const LayerComparison& layer) {
  std::string text;
  for (const ActivationRange& range : layer.activations) {
    if (range.clipped_share == 0) continue;
    text += cat("  ", visible(layer.name), ": ", percent_clipped(range.clipped_share), " of '", visible(range.value),
                "' is clipped: codes reach from ", rounded(range.low, 3), " to ", rounded(range.high, 3), ", it from ",
                rounded(range.seen_low, 3), " to ", rounded(range.seen_high, 3), "\n");
  }
  return text;
}

// One line for each remark, with the layers that it is about.
std::string remarks(const ComparisonRecord& comparison) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_remark;
  for (const LayerComparison& layer : comparison.layers) {
    if (layer.remark.empty()) continue;
    const auto known = std::ranges::find(by_remark, layer.remark, [](const auto& each) { return each.first; });
    if (known != by_remark.end()) {
      known->second.push_back(visible(layer.name));
    } else {
      by_remark.emplace_back(layer.remark, std::vector{visible(layer.name)});
    }
  }
  std::string text;
  for (const auto& [remark, names] : by_remark) {
    const bool few = names.size() <= most_named;
    text += cat("  ", few ? join(names, ", ") : cat(names[0], " and ", names.size() - 1, " more"), ": ", remark, "\n");
  }
  return text;
}

std::string clipped_layers(const ComparisonRecord& comparison) {
  std::string text;
  for (std::size_t index = 0; index < comparison.layers.size(); ++index) {
    const LayerEffects& effects = comparison.layers[index].effects;
    const bool matters = effects.clipping_db && effects.rounding_db && *effects.clipping_db < *effects.rounding_db;
    if (matters || index == comparison.worst) text += clipped_text(comparison.layers[index]);
  }
  return text;
}

std::string unmatched_text(const ComparisonRecord& comparison) {
  if (comparison.unmatched.empty()) return {};
  std::string text =
      cat("Not matched: ", comparison.unmatched.size(), " of ", comparison.unmatched.size() + comparison.layers.size(), " layers\n");
  for (std::size_t index = 0; index < comparison.unmatched.size() && index < most_unmatched; ++index) {
    const UnmatchedLayer& layer = comparison.unmatched[index];
    text += cat("  ", visible(layer.name), " (", visible(layer.type), "): ", layer.reason, "\n");
  }
  if (comparison.unmatched.size() > most_unmatched) text += cat("  and ", comparison.unmatched.size() - most_unmatched, " more\n");
  return text;
}

std::string worst_samples_text(const ComparisonRecord& comparison) {
  if (comparison.worst_samples.empty()) return {};
  std::vector<std::string> samples;
  for (const SampleLikeness& sample : comparison.worst_samples)
    samples.push_back(cat(sample.index, " (", short_decibel(sample.sqnr_db), " dB)"));
  return cat("Worst samples: ", join(samples, ", "), "; the first is ", visible(comparison.worst_samples[0].place), "\n");
}

}  // namespace

std::string comparison_text(const ComparisonRecord& comparison, const ReportOptions& options) {
  TextTable table = empty_table();
  for (std::size_t index = 0; index < comparison.layers.size(); ++index)
    add_layer(table, comparison.layers[index], index == comparison.worst, options);
  std::string text = cat(
      table.text(options.width),
      "SQNR in dB; alone: only this layer quantized; accum., cosine, largest error: the whole model at this layer;\n"
      "w, clip, round, bias: alone, with only its weights, clipping, rounding of activations, bias; noise: its share at the outputs\n\n");
  text += cat("Outputs: SQNR ", short_decibel(comparison.outputs.sqnr_db), " dB, cosine ", number(comparison.outputs.cosine, 6),
              ", largest error ", number(comparison.outputs.largest_error, 3), ", over ",
              count_text(static_cast<std::size_t>(comparison.samples), "sample"), "\n");
  if (const std::string added = addition_text(comparison); !added.empty()) text += cat("Adding up: ", added, "\n");
  if (const std::string moved = moved_scales_text(comparison); !moved.empty()) text += cat("Scales were moved: ", moved, "\n");
  text += worst_samples_text(comparison) + remarks(comparison) + clipped_layers(comparison) + unmatched_text(comparison);
  if (comparison.worst) text += cat("Worst: ", visible(comparison.layers[*comparison.worst].name), "\n");
  return text + cat("Most promising: ", advice_text(comparison), "\n");
}

}  // namespace titrate
