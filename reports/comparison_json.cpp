#include "reports/comparison_json.hpp"

namespace titrate {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json known(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json likeness_json(const Likeness& likeness) {
  return {{"sqnr_db", known(likeness.sqnr_db)}, {"cosine", known(likeness.cosine)}, {"largest_error", known(likeness.largest_error)}};
}

Json sample_json(const SampleLikeness& sample) {
  return {{"sample", sample.index}, {"place", sample.place}, {"sqnr_db", known(sample.sqnr_db)}};
}

Json activation_json(const ActivationRange& range) {
  return {{"value", range.value},
          {"type", range.type},
          {"low", range.low},
          {"high", range.high},
          {"seen_low", range.seen_low},
          {"seen_high", range.seen_high},
          {"clipped_share", range.clipped_share}};
}

Json layer_json(const LayerComparison& layer) {
  Json document = {{"name", layer.name}, {"type", layer.type}, {"value", layer.float_value}, {"stored", layer.stored}};
  document["weights"] = layer.weights ? likeness_json(*layer.weights) : Json(nullptr);
  document["alone"] = likeness_json(layer.alone);
  document["accumulated"] = likeness_json(layer.accumulated);
  document["effects"] = {{"weights_db", known(layer.effects.weights_db)},
                         {"clipping_db", known(layer.effects.clipping_db)},
                         {"rounding_db", known(layer.effects.rounding_db)},
                         {"bias_db", known(layer.effects.bias_db)}};
  document["activations"] = Json::array();
  for (const ActivationRange& range : layer.activations) document["activations"].push_back(activation_json(range));
  document["worst_sample"] = layer.worst.sqnr_db ? sample_json(layer.worst) : Json(nullptr);
  document["output_share"] = known(layer.output_share);
  document["remark"] = layer.remark;
  return document;
}

Json advice_json(const ComparisonRecord& comparison) {
  if (!comparison.advice) return nullptr;
  const Advice& advice = *comparison.advice;
  return {{"layer", advice.layer},
          {"change", advice.change},
          {"config", advice.config.empty() ? Json(nullptr) : Json(advice.config)},
          {"whole_config", advice.whole_config.empty() ? Json(nullptr) : Json(advice.whole_config)},
          {"output_sqnr_db", advice.now_db},
          {"predicted_sqnr_db", advice.predicted_db},
          {"measured_sqnr_db", known(advice.measured_db)}};
}

}  // namespace

Json comparison_json(const ComparisonRecord& comparison) {
  Json document = {{"schema", 1},
                   {"float", comparison.float_file},
                   {"quantized", comparison.quantized_file},
                   {"samples", comparison.samples},
                   {"outputs", likeness_json(comparison.outputs)},
                   {"share_samples", comparison.share_samples},
                   {"share_sqnr_db", known(comparison.share_db)},
                   {"added_noises_sqnr_db", known(comparison.added_db)}};
  document["rescaled"] = comparison.is_rescaled;
  document["moved_scales"] = comparison.moved_layers == 0
                                 ? Json(nullptr)
                                 : Json({{"layers", comparison.moved_layers}, {"relative_error", comparison.moved_error}});
  document["worst_layer"] = comparison.worst ? Json(comparison.layers[*comparison.worst].name) : Json(nullptr);
  document["worst_samples"] = Json::array();
  for (const SampleLikeness& sample : comparison.worst_samples) document["worst_samples"].push_back(sample_json(sample));
  document["advice"] = advice_json(comparison);
  document["layers"] = Json::array();
  for (const LayerComparison& layer : comparison.layers) document["layers"].push_back(layer_json(layer));
  document["unmatched"] = Json::array();
  for (const UnmatchedLayer& layer : comparison.unmatched)
    document["unmatched"].push_back({{"name", layer.name}, {"type", layer.type}, {"reason", layer.reason}});
  return document;
}

}  // namespace titrate
