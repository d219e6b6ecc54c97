#include "tuner/layer_histograms.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr int shown_bins = 80;

// From the fine bins of a streaming histogram, by magnitude and sign, to even ones over what was seen.
Histogram drawn(const engine::StreamingHistogram& fine, double low, double high) {
  Histogram histogram{
      .title = {}, .low = low, .high = high, .counts = std::vector<std::uint64_t>(shown_bins, 0), .clip_low = {}, .clip_high = {}};
  if (!(high > low)) histogram.high = low + 1;
  const double width = (histogram.high - histogram.low) / shown_bins;
  const auto add = [&](double value, std::uint64_t count) {
    const double place = std::floor((value - histogram.low) / width);
    histogram.counts[static_cast<std::size_t>(std::clamp(place, 0.0, shown_bins - 1.0))] += count;
  };
  for (std::size_t bin = 0; bin < fine.positive().size(); ++bin) {
    const double middle = (static_cast<double>(bin) + 0.5) * fine.width();
    if (fine.positive()[bin] > 0) add(bin == 0 ? 0 : middle, fine.positive()[bin]);
    if (fine.negative()[bin] > 0) add(-middle, fine.negative()[bin]);
  }
  return histogram;
}

std::optional<Histogram> weights_histogram(const engine::ComparedLayer& layer) {
  if (!layer.weights || !layer.weights->wanted.exists()) return std::nullopt;
  const auto wanted = layer.weights->wanted.data<float>();
  const auto stored = layer.weights->numbers.data<float>();
  if (wanted.empty()) return std::nullopt;
  engine::StreamingHistogram fine;
  fine.add(wanted);
  const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
  const auto [least, most] = std::minmax_element(stored.begin(), stored.end());
  Histogram histogram = drawn(fine, static_cast<double>(*low), static_cast<double>(*high));
  histogram.title = "weights";
  histogram.clip_low = static_cast<double>(*least);
  histogram.clip_high = static_cast<double>(*most);
  return histogram;
}

}  // namespace

std::vector<Histogram> layer_histograms(const engine::LayerMatch& match, std::size_t layer, const LayerTally& tally) {
  const engine::ComparedLayer& compared = match.layers[layer];
  std::vector<Histogram> histograms;
  for (std::size_t read = 0; read < compared.activations.size(); ++read) {
    const ActivationTally& seen = tally.activations[read];
    if (!seen.histogram || seen.count == 0) continue;
    Histogram histogram = drawn(*seen.histogram, static_cast<double>(seen.low), static_cast<double>(seen.high));
    const auto name = match.float_values.find(compared.activations[read].source);
    histogram.title = cat("input ", name == match.float_values.end() ? std::string() : name->second);
    if (std::isfinite(compared.activations[read].low)) histogram.clip_low = static_cast<double>(compared.activations[read].low);
    if (std::isfinite(compared.activations[read].high)) histogram.clip_high = static_cast<double>(compared.activations[read].high);
    histograms.push_back(std::move(histogram));
  }
  if (auto weights = weights_histogram(compared)) histograms.push_back(std::move(*weights));
  return histograms;
}

}  // namespace titrate
