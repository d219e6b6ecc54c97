#include "tuner/comparison_advice.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/quant/affine.hpp"
#include "tuner/range_advice.hpp"

namespace titrate {
namespace {

using engine::ComparedLayer;
using engine::LayerChange;
using engine::LayerForm;
using engine::Tensor;

// A change that keeps the layer quantized is preferred if it gains at least this part of what leaving it float gains.
constexpr double nearly = 0.8;
constexpr std::size_t most_measured = 3;

struct Candidate {
  std::size_t layer = 0;
  std::string change;
  std::string config;  // what a config says to bring it about
  std::string whole;   // and a whole config that does
  double removed = 0;  // of the noise at the outputs
  LayerChange made;
};

double noise_of(const std::optional<LikenessSums>& sums) { return sums ? sums->noise : 0; }

// The causes of a layer's noise as parts of 1.
struct Causes {
  double weights = 0;
  double clipping = 0;
  double rounding = 0;

  explicit Causes(const LayerTally& tally) {
    const double all = noise_of(tally.weights) + noise_of(tally.bias) + noise_of(tally.clipping) + noise_of(tally.rounding);
    if (!(all > 0)) return;
    weights = noise_of(tally.weights) / all;
    clipping = noise_of(tally.clipping) / all;
    rounding = noise_of(tally.rounding) / all;
  }
};

std::string quoted(const std::string& name) {
  const bool bare = name.find_first_of(" =|;\"\\") == std::string::npos;
  if (bare) return name;
  std::string text = "\"";
  for (const char character : name)
    text += character == '"' || character == '\\' ? cat("\\", std::string(1, character)) : std::string(1, character);
  return text + "\"";
}

// Whether a config can name it: the layers that schemes serve.
bool is_configurable(const ComparedLayer& layer) {
  return layer.type == "Conv" || layer.type == "Gather" || layer.type == "Gemm" || layer.type == "MatMul" || !layer.separable;
}

// The axis of the output channels.
std::size_t channel_axis(const engine::Node& node, const Tensor& weights) {
  if (node.type == "Conv" || node.type == "Gather") return 0;
  if (node.type == "ConvTranspose") return 1;
  if (node.type == "Gemm" && node.integer("transB", 0) != 0) return 0;
  return weights.shape().empty() ? 0 : weights.shape().size() - 1;
}

// Rounded to 8 bits, symmetric, one scale a channel.
Tensor in_eight_bits(const Tensor& weights, std::size_t axis) {
  const auto numbers = weights.data<float>();
  const auto channels = static_cast<std::size_t>(weights.rank() == 0 ? 1 : weights.shape()[axis]);
  std::size_t inner = 1;
  for (std::size_t later = axis + 1; later < weights.shape().size(); ++later) inner *= static_cast<std::size_t>(weights.shape()[later]);
  std::vector<float> largest(channels, 0);
  for (std::size_t index = 0; index < numbers.size(); ++index)
    largest[index / inner % channels] = std::max(largest[index / inner % channels], std::abs(numbers[index]));
  std::vector<float> rounded(numbers.size());
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    const engine::AffineParameters parameters = engine::symmetric_parameters(largest[index / inner % channels], 127);
    rounded[index] = engine::dequantize(engine::quantize(numbers[index], parameters, engine::narrow_range(8)), parameters);
  }
  return Tensor::of<float>(weights.shape(), rounded);
}

class Adviser {
 public:
  Adviser(const ComparedModels& models, const Measurements& measured, std::span<const std::optional<double>> shares)
      : models_(models), measured_(measured), shares_(shares), ranges_(models, measured) {}

  std::vector<Candidate> candidates() {
    for (std::size_t layer = 0; layer < shares_.size(); ++layer) {
      if (!shares_[layer] || *shares_[layer] <= 0) continue;
      leave_float(layer);
      if (!models_.match.layers[layer].has_effects()) continue;
      widen_weights(layer);
      fit_range(layer);
    }
    return std::move(candidates_);
  }

 private:
  const ComparedLayer& layer_at(std::size_t layer) const { return models_.match.layers[layer]; }

  void leave_float(std::size_t layer) {
    Candidate candidate{.layer = layer, .change = "leave it float", .config = {}, .whole = {}, .removed = *shares_[layer], .made = {}};
    candidate.made.form = LayerForm::put_back;
    if (is_configurable(layer_at(layer))) candidate.config = cat("name:", quoted(layer_at(layer).name), " = float");
    candidates_.push_back(std::move(candidate));
  }

  // Each bit more takes three quarters of the noise of rounding.
  void widen_weights(std::size_t layer) {
    const auto& weights = layer_at(layer).weights;
    if (!weights || weights->bits >= 8 || !engine::is_integer(weights->type)) return;
    Candidate candidate{.layer = layer,
                        .change = cat("8 bits for its weights instead of ", weights->bits),
                        .config = {},
                        .whole = {},
                        .removed = 0,
                        .made = {}};
    candidate.removed = *shares_[layer] * Causes(measured_.layers[layer]).weights * (1 - std::pow(4.0, weights->bits - 8));
    const engine::Node& node = models_.quantized.graph.nodes[layer_at(layer).node];
    candidate.made.weights = in_eight_bits(weights->wanted, channel_axis(node, weights->wanted));
    if (is_configurable(layer_at(layer))) candidate.config = cat("name:", quoted(layer_at(layer).name), " = rtn(bits=8)");
    candidates_.push_back(std::move(candidate));
  }

  // The range of the calibrator that leaves least of the noise of clipping and rounding.
  void fit_range(std::size_t layer) {
    const Causes causes(measured_.layers[layer]);
    const auto choice = ranges_.best_for(layer, causes.clipping, causes.rounding);
    const double removed = choice ? causes.clipping + causes.rounding - choice->left : 0;
    if (!(removed > 0)) return;
    const engine::QuantizedRead& read = layer_at(layer).activations[0];
    Candidate candidate{
        .layer = layer,
        .change = cat("give its input the range ", shortest(choice->range.low), " to ", shortest(choice->range.high),
                      " (calibrator=", choice->calibrator, ") instead of ", shortest(read.low), " to ", shortest(read.high)),
        .config = choice->override_text,
        .whole = choice->config,
        .removed = *shares_[layer] * removed,
        .made = {}};
    candidate.made.range = read;
    candidate.made.range->low = choice->range.low;
    candidate.made.range->high = choice->range.high;
    candidates_.push_back(std::move(candidate));
  }

  const ComparedModels& models_;
  const Measurements& measured_;
  std::span<const std::optional<double>> shares_;
  RangeAdviser ranges_;
  std::vector<Candidate> candidates_;
};

// All noise gone would promise infinity: a hundred dB is as good.
double gain_db(double removed) { return -10 * std::log10(std::max(1e-10, 1 - removed)); }

// One for each layer: the change that keeps it quantized if it gains nearly as much, else leaving it float. The most promising first.
std::vector<Candidate> promising(const std::vector<Candidate>& candidates) {
  std::vector<Candidate> best;
  for (const Candidate& each : candidates) {
    if (each.made.form == LayerForm::put_back) {
      best.push_back(each);
      continue;
    }
    Candidate& last = best.back();  // of the same layer: leaving it float comes first
    const bool last_is_float = last.made.form == LayerForm::put_back;
    if (last_is_float ? gain_db(each.removed) >= nearly * gain_db(last.removed) : each.removed > last.removed) last = each;
  }
  std::stable_sort(best.begin(), best.end(), [](const Candidate& left, const Candidate& right) { return left.removed > right.removed; });
  if (best.size() > most_measured) best.resize(most_measured);
  return best;
}

}  // namespace

std::optional<Advice> best_change(const ComparedModels& models, const Measurements& measured, std::span<const std::optional<double>> shares,
                                  const OutputNoise& noise) {
  const double now = measured.outputs.sqnr_db();
  std::optional<Advice> best;
  if (!std::isfinite(now) || now >= 999) return best;
  for (const Candidate& candidate : promising(Adviser(models, measured, shares).candidates())) {
    std::vector<LayerChange> changes(models.match.layers.size());
    changes[candidate.layer] = candidate.made;
    Advice advice{.layer = models.match.layers[candidate.layer].name,
                  .change = candidate.change,
                  .config = candidate.config,
                  .whole_config = candidate.whole,
                  .now_db = now,
                  .predicted_db = now + gain_db(candidate.removed)};
    if (const auto sums = noise.of(changes, true)) advice.measured_db = finite(sums->sqnr_db());
    if (!best || advice.measured_db > best->measured_db) best = std::move(advice);
  }
  return best;
}

}  // namespace titrate
