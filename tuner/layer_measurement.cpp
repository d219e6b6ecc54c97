#include "tuner/layer_measurement.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/layer_variants.hpp"

namespace titrate {
namespace {

using engine::Executor;
using engine::LayerPart;
using engine::Plan;
using engine::Tensor;
using engine::ValueId;
using Values = std::unordered_map<std::string, Tensor>;

constexpr std::size_t most_worst_samples = 5;

std::vector<std::size_t> order_of(const engine::Graph& reference, std::span<const ValueId> wanted, const engine::Graph& graph,
                                  std::span<const ValueId> own, const char* what) {
  std::vector<std::size_t> order;
  for (const ValueId id : own) {
    const auto same = [&](ValueId other) { return reference[other].name == graph[id].name; };
    const auto found = std::find_if(wanted.begin(), wanted.end(), same);
    if (found == wanted.end()) {
      throw_invalid(cat("the quantized model has the ", what, " '", visible(graph[id].name), "', the float model has not"), {},
                    "compare a model with the float model that it was made from");
    }
    order.push_back(static_cast<std::size_t>(found - wanted.begin()));
  }
  if (own.size() != wanted.size()) {
    throw_invalid(cat("the float model has ", wanted.size(), " ", what, "s, the quantized model ", own.size()), {},
                  "compare a model with the float model that it was made from");
  }
  return order;
}

ActivationTally tally_of(const Tensor& tensor, const engine::QuantizedRead& read) {
  ActivationTally tally;
  if (tensor.type() != engine::DataType::float32) return tally;
  const auto numbers = tensor.data<float>();
  tally.low = std::numeric_limits<float>::infinity();
  tally.high = -tally.low;
  for (const float number : numbers) {
    if (!std::isfinite(number)) continue;
    ++tally.count;
    tally.low = std::min(tally.low, number);
    tally.high = std::max(tally.high, number);
    if (number < read.low || number > read.high) ++tally.clipped;
  }
  (void)tally.histogram.emplace().add(numbers);
  return tally;
}

// What one sample says of one layer.
struct LayerSample {
  LikenessSums accumulated;
  std::vector<LikenessSums> parts;  // as in LayerVariants::parts
  LikenessSums rounding;
  std::vector<ActivationTally> activations;
};

class SampleRun {
 public:
  explicit SampleRun(const ComparedModels& models)
      : models_(models),
        float_plan_(std::make_shared<const Plan>(models.reference)),
        quantized_plan_(std::make_shared<const Plan>(models.quantized)),
        input_order_(input_order(models.reference.graph, models.quantized.graph)),
        output_order_(output_order(models.reference.graph, models.quantized.graph)) {
    for (const engine::ComparedLayer& layer : models.match.layers) {
      variants_.push_back(build_layer_variants(models.reference, models.quantized, models.match, layer));
      plans_.push_back(std::make_shared<const Plan>(variants_.back().model));
      wanted_.emplace(layer.float_output, Tensor{});
      for (const std::string& name : variants_.back().inputs) wanted_.emplace(name, Tensor{});
      layer_of_.emplace(layer.output, plans_.size() - 1);
    }
  }

  struct Result {
    std::vector<LayerSample> layers;
    LikenessSums outputs;
  };

  [[nodiscard]] const std::vector<LayerPart>& parts(std::size_t layer) const { return variants_[layer].parts; }

  [[nodiscard]] Result operator()(const std::vector<Tensor>& sample) const {
    Values values = wanted_;
    Result result;
    result.layers.resize(variants_.size());
    const std::vector<Tensor> outputs = run_float(sample, values);
    run_quantized(sample, outputs, values, result);
    for (std::size_t layer = 0; layer < variants_.size(); ++layer) run_layer(layer, values, result.layers[layer]);
    return result;
  }

 private:
  std::vector<Tensor> run_float(const std::vector<Tensor>& sample, Values& values) const {
    const engine::Graph& graph = float_plan_->graph();
    const auto keep = [&](ValueId id, const Tensor& tensor) {
      if (const auto found = values.find(graph[id].name); found != values.end()) found->second = tensor;
    };
    for (std::size_t index = 0; index < sample.size(); ++index) keep(graph.inputs[index], sample[index]);
    return Executor(float_plan_).run(sample, keep);
  }

  void run_quantized(const std::vector<Tensor>& sample, const std::vector<Tensor>& wanted, const Values& values, Result& result) const {
    const auto compare = [&](ValueId id, const Tensor& tensor) {
      const auto layer = layer_of_.find(id);
      if (layer == layer_of_.end()) return;
      result.layers[layer->second].accumulated = likeness_sums(values.at(models_.match.layers[layer->second].float_output), tensor);
    };
    const std::vector<Tensor> outputs = Executor(quantized_plan_).run(in_order(sample, input_order_), compare);
    for (std::size_t index = 0; index < outputs.size(); ++index)
      result.outputs += likeness_sums(wanted[output_order_[index]], outputs[index]);
  }

  void run_layer(std::size_t index, const Values& values, LayerSample& result) const {
    const engine::ComparedLayer& layer = models_.match.layers[index];
    std::vector<Tensor> inputs;
    for (const std::string& name : variants_[index].inputs) inputs.push_back(values.at(name));
    const std::vector<Tensor> outputs = Executor(plans_[index]).run(inputs);
    const Tensor& wanted = values.at(layer.float_output);
    const Tensor* clipped = nullptr;
    const Tensor* rounded = nullptr;
    for (std::size_t part = 0; part < outputs.size(); ++part) {
      result.parts.push_back(likeness_sums(wanted, outputs[part]));
      if (variants_[index].parts[part] == LayerPart::clipping) clipped = &outputs[part];
      if (variants_[index].parts[part] == LayerPart::activations) rounded = &outputs[part];
    }
    if (clipped != nullptr && rounded != nullptr) {
      result.rounding = likeness_sums(*clipped, *rounded);
      result.rounding.signal = result.parts[0].signal;
    }
    for (const engine::QuantizedRead& read : layer.activations) result.activations.push_back(tally(read, values));
  }

  ActivationTally tally(const engine::QuantizedRead& read, const Values& values) const {
    const auto name = models_.match.float_values.find(read.source);
    const auto value = name == models_.match.float_values.end() ? values.end() : values.find(name->second);
    return value == values.end() ? ActivationTally{} : tally_of(value->second, read);
  }

  const ComparedModels& models_;
  std::shared_ptr<const Plan> float_plan_;
  std::shared_ptr<const Plan> quantized_plan_;
  std::vector<std::size_t> input_order_;
  std::vector<std::size_t> output_order_;
  std::vector<engine::LayerVariants> variants_;
  std::vector<std::shared_ptr<const Plan>> plans_;
  std::map<ValueId, std::size_t> layer_of_;
  Values wanted_;
};

void add_to(std::optional<LikenessSums>& sums, const LikenessSums& more) {
  if (!sums) sums.emplace();
  *sums += more;
}

void add_sample(LayerTally& tally, const LayerSample& sample, const std::vector<LayerPart>& parts, std::int64_t index) {
  tally.accumulated += sample.accumulated;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (parts[part] == LayerPart::everything) tally.alone += sample.parts[part];
    if (parts[part] == LayerPart::weights) add_to(tally.weights, sample.parts[part]);
    if (parts[part] == LayerPart::bias) add_to(tally.bias, sample.parts[part]);
    if (parts[part] == LayerPart::clipping) add_to(tally.clipping, sample.parts[part]);
    if (parts[part] == LayerPart::activations) add_to(tally.rounding, sample.rounding);
  }
  tally.activations.resize(sample.activations.size());
  for (std::size_t read = 0; read < sample.activations.size(); ++read) tally.activations[read].add(sample.activations[read]);
  const double db = sample.parts[0].sqnr_db();
  if (!std::isfinite(db) || (tally.worst_db && *tally.worst_db <= db)) return;
  tally.worst_db = db;
  tally.worst_sample = index;
}

void add_worst(std::vector<std::pair<double, std::int64_t>>& worst, double db, std::int64_t index) {
  if (!std::isfinite(db)) return;
  worst.emplace_back(db, index);
  std::sort(worst.begin(), worst.end());
  if (worst.size() > most_worst_samples) worst.pop_back();
}

}  // namespace

void ActivationTally::add(const ActivationTally& other) {
  if (other.count > 0) {
    low = count == 0 ? other.low : std::min(low, other.low);
    high = count == 0 ? other.high : std::max(high, other.high);
  }
  count += other.count;
  clipped += other.clipped;
  if (!other.histogram) return;
  if (!histogram) histogram.emplace();
  histogram->merge(*other.histogram);
}

std::vector<Tensor> in_order(std::vector<Tensor> sample, std::span<const std::size_t> order) {
  std::vector<Tensor> result;
  for (const std::size_t place : order) result.push_back(sample[place]);
  return result;
}

std::vector<std::size_t> input_order(const engine::Graph& reference, const engine::Graph& graph) {
  return order_of(reference, reference.inputs, graph, graph.inputs, "input");
}

std::vector<std::size_t> output_order(const engine::Graph& reference, const engine::Graph& graph) {
  return order_of(reference, reference.outputs, graph, graph.outputs, "output");
}

Measurements measure_layers(const ComparedModels& models, const Dataset& data, std::int64_t samples, const LoopControl& control) {
  const SampleRun run_sample(models);
  Measurements measured;
  measured.layers.resize(models.match.layers.size());
  std::vector<SampleRun::Result> results(static_cast<std::size_t>(samples));
  const auto run = [&](int, std::int64_t index) {
    try {
      results[static_cast<std::size_t>(index)] = run_sample(data.sample(index));
    } catch (Error& error) {
      if (error.code() == ErrorCode::invalid) error.in(data.place(index));
      throw;
    }
  };
  for_each_sample(samples, control, run, [&](std::int64_t index) {
    SampleRun::Result& result = results[static_cast<std::size_t>(index)];
    for (std::size_t layer = 0; layer < measured.layers.size(); ++layer)
      add_sample(measured.layers[layer], result.layers[layer], run_sample.parts(layer), index);
    measured.outputs += result.outputs;
    add_worst(measured.worst_samples, result.outputs.sqnr_db(), index);
    result = {};
  });
  return measured;
}

}  // namespace titrate
