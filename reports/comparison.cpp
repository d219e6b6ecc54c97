#include "reports/comparison.hpp"

#include "engine/base/text.hpp"
#include "reports/figures.hpp"

namespace titrate {
namespace {

// What is gained below this is less than between one set of samples and another.
constexpr double spread_db = 1;

}  // namespace

std::string short_decibel(const std::optional<double>& decibel) {
  if (!decibel) return {};
  if (*decibel >= 999) return "equal";
  return decibel_text(decibel).substr(0, decibel_text(decibel).find(' '));
}

std::string advice_text(const ComparisonRecord& comparison) {
  if (comparison.is_rescaled) {
    return "not to be told: scales were moved between layers before they were quantized (smoothquant, equalize), by factors that were not "
           "found, so that a layer alone, on the float model's values, means nothing; the outputs are compared rightly";
  }
  if (!comparison.advice) {
    const bool equal = comparison.outputs.sqnr_db && *comparison.outputs.sqnr_db >= 999;
    return equal ? "nothing to gain: the outputs are equal" : "no change of a single layer can be promised anything";
  }
  const Advice& advice = *comparison.advice;
  const bool helped = !advice.measured_db || *advice.measured_db > advice.now_db;
  const bool much = advice.predicted_db >= advice.now_db + spread_db;
  std::string text = cat(!helped ? "none of the changes that were tried helped; most was promised by "
                         : !much ? "the noise is spread over the layers, no single change does much; the best is "
                                 : "",
                         visible(advice.layer), ": ", visible(advice.change), "; output SQNR ", short_decibel(advice.now_db), " -> ",
                         short_decibel(advice.predicted_db), " dB predicted by adding noises");
  if (advice.measured_db) text += cat(", ", short_decibel(advice.measured_db), " dB measured");
  if (!advice.whole_config.empty()) return text + cat(" (config: ", visible(advice.whole_config), ")");
  if (!advice.config.empty()) text += cat(" (in a config: | ", visible(advice.config), ")");
  return text;
}

std::string moved_scales_text(const ComparisonRecord& comparison) {
  if (comparison.moved_layers == 0) return {};
  return cat("of ", count_text(static_cast<std::size_t>(comparison.moved_layers), "layer"),
             " before they were quantized (smoothquant, equalize, awq); all layers are compared with the float model with its scales moved "
             "alike, which computes the same; the factors, from the constants of both models, are known to ",
             comparison.moved_error < 5e-5 ? std::string("0.01") : rounded(comparison.moved_error * 100, 2), " %");
}

std::string addition_text(const ComparisonRecord& comparison) {
  if (!comparison.added_db) return {};
  return cat("the layers' own noises add up to ", short_decibel(comparison.added_db), " dB at the outputs, the whole model has ",
             short_decibel(comparison.share_db), " dB (first ", count_text(static_cast<std::size_t>(comparison.share_samples), "sample"),
             ")");
}

}  // namespace titrate
