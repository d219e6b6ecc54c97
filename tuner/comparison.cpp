#include "tuner/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/constant_nodes.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/scaling/moved_scales.hpp"
#include "tuner/comparison_advice.hpp"
#include "tuner/layer_histograms.hpp"
#include "tuner/layer_measurement.hpp"
#include "tuner/noise_shares.hpp"

namespace titrate {
namespace {

using engine::ComparedLayer;
using engine::LayerMatch;

// Each layer's share of the noise takes a run of the whole model.
constexpr std::int64_t share_samples = 8;
constexpr std::size_t most_shares = 64;

struct Matched {
  engine::Model reference;
  LayerMatch match;
  std::map<std::string, double> moved{};  // by layer whose scales were moved how well the factors are known
};

// Layers that do not fit: without a counterpart, or with floats that are not the float model's.
std::ptrdiff_t misfits(const LayerMatch& match) {
  const auto has_other_floats = [](const ComparedLayer& layer) {
    return layer.weights && layer.weights->type == engine::DataType::float32;
  };
  return std::ssize(match.unmatched) + std::count_if(match.layers.begin(), match.layers.end(), has_other_floats);
}

// The float model in the form that fits best: with its passes run, as this program quantizes it, or as it is.
Matched matched(const engine::Model& float_model, const engine::Model& quantized) {
  Matched prepared{.reference = engine::prepare_float_model(float_model), .match = {}};
  prepared.match = match_layers(prepared.reference, quantized);
  Matched as_it_is{.reference = float_model, .match = {}};
  (void)engine::constant_nodes_to_initializers(as_it_is.reference);
  (void)engine::fold_constants(as_it_is.reference);
  engine::infer_shapes(as_it_is.reference);
  as_it_is.match = match_layers(as_it_is.reference, quantized);
  return misfits(as_it_is.match) < misfits(prepared.match) ? std::move(as_it_is) : std::move(prepared);
}

// Floats that are the float model's but for the uncertainty of factors are not quantized.
bool is_float(const engine::StoredParameter& stored, double uncertainty) {
  constexpr double float_rounding = 1e-6;
  if (stored.type != engine::DataType::float32 || !stored.wanted.exists()) return false;
  const LikenessSums sums = likeness_sums(stored.wanted, stored.numbers);
  return std::sqrt(sums.noise) <= 3 * (uncertainty + float_rounding) * std::sqrt(sums.signal);
}

// Where scales were moved before quantization, the float model with its scales moved alike takes the float model's place.
Matched with_moved_scales(Matched both, const engine::Model& quantized) {
  std::optional<engine::MovedScales> found = find_moved_scales(both.reference, quantized, both.match);
  if (!found) return both;
  Matched moved{.reference = std::move(found->reference), .match = {}, .moved = std::move(found->layers)};
  moved.match = match_layers(moved.reference, quantized);
  std::erase_if(moved.match.layers, [&](ComparedLayer& layer) {
    const auto known = moved.moved.find(layer.name);
    if (known == moved.moved.end() || !layer.separable) return false;
    for (std::optional<engine::StoredParameter>* stored : {&layer.weights, &layer.bias}) {
      if (*stored && is_float(**stored, known->second)) stored->reset();
    }
    return layer.activations.empty() && !layer.weights && !layer.bias;
  });
  return moved;
}

[[noreturn]] void refuse_nothing_matched(const LayerMatch& match) {
  if (match.unmatched.empty()) {
    throw_invalid("the second model has no quantized layers: nothing reads DequantizeLinear, and no weights differ from the float model's",
                  {}, "give the float model first, then the quantized one");
  }
  const engine::UnmatchedNode& first = match.unmatched.front();
  throw_invalid(cat("none of the ", match.unmatched.size(), " quantized layers is in the float model; the first, '", visible(first.name),
                    "': ", first.reason),
                {}, "compare a model with the float model that it was made from, in the QDQ form that keeps its names");
}

std::string stored_text(const ComparedLayer& layer) {
  std::vector<std::string> parts;
  if (layer.weights) {
    const engine::StoredParameter& weights = *layer.weights;
    const bool narrower = engine::is_integer(weights.type) && weights.bits < engine::bits_of(weights.type);
    parts.push_back(cat(engine::name_of(weights.type), " weights", narrower ? cat(" (", weights.bits, " bits)") : ""));
  }
  if (!layer.activations.empty()) parts.push_back(cat(engine::name_of(layer.activations[0].type), " activations"));
  if (!layer.separable) parts.emplace_back("computes on codes");
  return join(parts, ", ");
}

std::optional<double> decibel(const std::optional<LikenessSums>& sums) { return sums ? finite(sums->sqnr_db()) : std::nullopt; }

// Stages such as smoothquant and equalize move scales between a layer's weights and its input or output. Then its weights' errors are
// larger than the weights, which rounding alone does not do, or it is better among the others' noise than on the float model's own values.
bool is_rescaled(const ComparedLayer& layer, const LayerTally& tally) {
  constexpr double better_db = 10;
  if (tally.accumulated.sqnr_db() > tally.alone.sqnr_db() + better_db) return true;
  return layer.weights && layer.weights->wanted.exists() && likeness_sums(layer.weights->wanted, layer.weights->numbers).sqnr_db() < 0;
}

std::string remark_of(const ComparedLayer& layer, bool rescaled, const std::map<std::string, double>& moved) {
  if (rescaled)
    return "its weights and its input or output were rescaled before they were quantized (smoothquant, equalize), and the factors were not "
           "found: alone, it means nothing here";
  if (moved.contains(layer.name)) return "rescaled before it was quantized: compared with the float weights and values scaled alike";
  if (!layer.separable) return "it computes on codes: weights and activations cannot be told apart";
  if (!layer.has_effects()) return "its float weights were not found: their part cannot be told";
  return {};
}

LayerComparison layer_comparison(const ComparedModels& models, const std::map<std::string, double>& moved, std::size_t index,
                                 const LayerTally& tally, const Dataset& data) {
  const ComparedLayer& layer = models.match.layers[index];
  LayerComparison result{.name = layer.name, .type = layer.type, .float_value = layer.float_output, .stored = stored_text(layer)};
  if (layer.weights && layer.weights->wanted.exists())
    result.weights = likeness_sums(layer.weights->wanted, layer.weights->numbers).likeness();
  const bool rescaled = is_rescaled(layer, tally);
  result.accumulated = tally.accumulated.likeness();
  for (std::size_t read = 0; read < layer.activations.size(); ++read) {
    const ActivationTally& seen = tally.activations[read];
    const auto name = models.match.float_values.find(layer.activations[read].source);
    if (seen.count == 0 || name == models.match.float_values.end()) continue;
    result.activations.push_back({.value = name->second,
                                  .type = std::string(engine::name_of(layer.activations[read].type)),
                                  .low = static_cast<double>(layer.activations[read].low),
                                  .high = static_cast<double>(layer.activations[read].high),
                                  .seen_low = static_cast<double>(seen.low),
                                  .seen_high = static_cast<double>(seen.high),
                                  .clipped_share = static_cast<double>(seen.clipped) / static_cast<double>(seen.count)});
  }
  result.remark = remark_of(layer, rescaled, moved);
  result.is_rescaled = rescaled;
  if (rescaled) return result;
  result.alone = tally.alone.likeness();
  result.effects = {.weights_db = decibel(tally.weights),
                    .clipping_db = decibel(tally.clipping),
                    .rounding_db = decibel(tally.rounding),
                    .bias_db = decibel(tally.bias)};
  if (tally.worst_db) result.worst = {.index = tally.worst_sample, .place = data.place(tally.worst_sample), .sqnr_db = tally.worst_db};
  return result;
}

// The layers whose share is measured: all that mean something alone, or the noisiest of them.
std::vector<std::size_t> measured_layers(const ComparisonRecord& record, const Measurements& measured) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < record.layers.size(); ++index) {
    if (record.layers[index].alone.sqnr_db) order.push_back(index);
  }
  const auto noisier = [&](std::size_t left, std::size_t right) {
    return measured.layers[left].alone.sqnr_db() < measured.layers[right].alone.sqnr_db();
  };
  std::stable_sort(order.begin(), order.end(), noisier);
  if (order.size() > most_shares) order.resize(most_shares);
  return order;
}

// Fills in the shares and what the layers' noises add up to; returns the shares by layer.
std::vector<std::optional<double>> add_shares(ComparisonRecord& record, const Measurements& measured, const OutputNoise& noise) {
  std::vector<std::optional<double>> noises(measured.layers.size());
  double sum = 0;
  double signal = 0;
  for (const std::size_t layer : measured_layers(record, measured)) {
    const std::optional<LikenessSums> own = noise.of_one(layer);
    if (!own || !std::isfinite(own->noise)) continue;
    noises[layer] = own->noise;
    signal = own->signal;
    sum += own->noise;
  }
  record.share_db = finite(noise.whole().sqnr_db());
  if (sum > 0) record.added_db = finite(10 * std::log10(signal / sum));
  for (std::size_t layer = 0; layer < noises.size(); ++layer) {
    if (noises[layer] && sum > 0) record.layers[layer].output_share = *noises[layer] / sum;
  }
  std::vector<std::optional<double>> shares;
  for (const LayerComparison& layer : record.layers) shares.push_back(layer.output_share);
  return shares;
}

std::optional<std::size_t> worst_layer(const ComparisonRecord& record) {
  std::optional<std::size_t> worst;
  const auto badness = [&](std::size_t index) {
    const LayerComparison& layer = record.layers[index];
    return std::pair(layer.output_share.value_or(0), -layer.alone.sqnr_db.value_or(-999));
  };
  for (std::size_t index = 0; index < record.layers.size(); ++index) {
    if (!record.layers[index].alone.sqnr_db) continue;
    if (!worst || badness(index) > badness(*worst)) worst = index;
  }
  return worst;
}

}  // namespace

ComparisonRecord compare_models(const engine::Model& float_model, const engine::Model& quantized, const Dataset& data,
                                const ComparisonOptions& options, const LoopControl& control) {
  (void)input_order(float_model.graph, quantized.graph);
  (void)output_order(float_model.graph, quantized.graph);
  const Matched both = with_moved_scales(matched(float_model, quantized), quantized);
  if (both.match.layers.empty()) refuse_nothing_matched(both.match);
  const ComparedModels models{.reference = both.reference, .quantized = quantized, .match = both.match};
  ComparisonRecord record;
  record.samples = std::min(options.samples, data.size());
  record.share_samples = std::min(record.samples, share_samples);
  const Measurements measured = measure_layers(models, data, record.samples, control);
  record.outputs = measured.outputs.likeness();
  for (const engine::UnmatchedNode& node : both.match.unmatched) record.unmatched.push_back({node.name, node.type, node.reason});
  for (std::size_t index = 0; index < measured.layers.size(); ++index) {
    record.layers.push_back(layer_comparison(models, both.moved, index, measured.layers[index], data));
    if (options.histograms) record.layers.back().histograms = layer_histograms(models.match, index, measured.layers[index]);
  }
  record.moved_layers = std::ssize(both.moved);
  for (const auto& [layer, error] : both.moved) record.moved_error = std::max(record.moved_error, error);
  for (const auto& [db, index] : measured.worst_samples)
    record.worst_samples.push_back({.index = index, .place = data.place(index), .sqnr_db = db});
  record.is_rescaled = std::ranges::any_of(record.layers, &LayerComparison::is_rescaled);
  if (record.is_rescaled) return record;
  const OutputNoise noise(models, data, record.share_samples, control);
  const std::vector<std::optional<double>> shares = add_shares(record, measured, noise);
  record.worst = worst_layer(record);
  record.advice = best_change(models, measured, shares, OutputNoise(models, data, record.samples, control));
  return record;
}

}  // namespace titrate
