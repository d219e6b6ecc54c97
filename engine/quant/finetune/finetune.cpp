#include "engine/quant/finetune/finetune.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/quant/absorb_bias.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/finetune/learned_step.hpp"
#include "engine/quant/finetune/learned_vector.hpp"
#include "engine/quant/finetune/learned_weights.hpp"
#include "engine/quant/finetune/train_block.hpp"
#include "engine/quant/finetune/trainable.hpp"
#include "engine/quant/weights/stepped_run.hpp"

namespace titrate::engine {
namespace {

// Beyond that a block's own numbers decide more than more samples would.
constexpr std::int64_t most_samples = 512;

struct TrainedLayer {
  Scheme scheme;
  FinetuneStage stage;
};

// What is trained of a block, and where it goes if it is kept.
struct Learned {
  ConstantPlace place;
  std::unique_ptr<LearnedConstant> constant;
  const LearnedWeights* weights = nullptr;  // of a layer's weights
  const LearnedStep* step = nullptr;        // of a rounded value's scale
  std::optional<RoundedValue> value = std::nullopt;
};

struct Attempt {
  std::vector<Learned> learned;
  TrainingResult result;
};

std::unordered_map<std::string, std::size_t> places_by_name(const Graph& graph) {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) places.emplace(graph.nodes[index].name, index);
  return places;
}

// Each layer that multiplies reads weights of its own, also where two shared them.
void give_own_weights(Graph& graph) {
  const Uses uses(graph);
  NameSource names(graph);
  for (Node& node : graph.nodes) {
    if (is_lookup(node) || weight_refusal(graph, node) || uses.readers(node.inputs[1]).size() == 1) continue;
    Tensor same = *graph.constant_input(node, 1);
    node.inputs[1] = graph.add_constant(names.value(node.name + "_weights"), std::move(same));
  }
}

// Values that a run keeps for as long as this lives.
class KeptValues {
 public:
  KeptValues(SteppedRun& run, std::vector<ValueId> ids) : run_(run), ids_(std::move(ids)) {
    for (const ValueId id : ids_) run_.keep(id);
  }
  ~KeptValues() {
    for (const ValueId id : ids_) run_.release(id);
  }
  KeptValues(const KeptValues&) = delete;
  KeptValues& operator=(const KeptValues&) = delete;

 private:
  SteppedRun& run_;
  std::vector<ValueId> ids_;
};

std::string decibels(double ratio) { return cat(shortest(std::round(100 * std::log10(ratio)) / 10), " dB"); }

class Finetuner {
 public:
  Finetuner(const FinetuneRequest& request, StageRemarks& remarks)
      : request_(request),
        remarks_(remarks),
        result_{.model = request.start, .statistics = request.statistics, .solutions = request.solutions} {
    absorb_bias(result_.model, request.config, request.target);
    find_layers();
    quantized_ = convert(result_.model, request.config, request.statistics, request.solutions, WeightForm::qdq, request.target).model;
    fold_constants(quantized_, {.dequantize = true});
    give_own_weights(quantized_.graph);
    start_places_ = places_by_name(result_.model.graph);
  }

  FinetunedModel run() {
    const std::int64_t count = affordable_samples(request_.reference, request_.samples, most_samples);
    SteppedRun floats(request_.reference, request_.samples, count);
    SteppedRun quantized(quantized_, request_.samples, count);
    const auto is_layer = [&](std::size_t node) { return layers_.contains(quantized_.graph.nodes[node].name); };
    for (const Block& block : split_into_blocks(quantized_.graph, is_layer, layers_together())) {
      if (block.layers.empty()) continue;
      quantized.advance_to(block.begin);
      if (count < least_samples) {
        say(block, cat("fewer than ", std::to_string(least_samples), " samples leave none to hold out"));
      } else {
        train(block, floats, quantized, count);
      }
    }
    remove_unused(result_.model.graph);
    return std::move(result_);
  }

 private:
  void find_layers() {
    const SchemeChooser choose(request_.config);
    for (const Assignment& assignment : assign(result_.model.graph, request_.config, request_.target)) {
      const NodeDecision& decision = assignment.decision;
      const auto* stage = stage_of<FinetuneStage>(choose.stages(decision.name, decision.type));
      if (stage != nullptr && !std::holds_alternative<FloatScheme>(assignment.scheme))
        layers_.emplace(decision.name, TrainedLayer{.scheme = assignment.scheme, .stage = *stage});
    }
    if (layers_.empty())
      throw_invalid("finetune has no quantized layer to train", {}, "leave the stage out, or choose a scheme that serves a layer");
  }

  [[nodiscard]] std::size_t layers_together() const {
    int together = 1;
    for (const auto& [name, layer] : layers_) together = std::max(together, layer.stage.layers);
    return static_cast<std::size_t>(together);
  }

  [[nodiscard]] const TrainedLayer& layer_at(std::size_t node) const { return layers_.at(quantized_.graph.nodes[node].name); }

  void note(const Block& block, const std::string& text) {
    for (const std::size_t layer : block.layers) remarks_[quantized_.graph.nodes[layer].name].push_back(text);
  }
  void say(const Block& block, const std::string& reason) { note(block, cat("finetune left it as it was: ", reason)); }

  void train(const Block& block, SteppedRun& floats, SteppedRun& quantized, std::int64_t count) {
    try {
      train_or_throw(block, floats, quantized, count);
    } catch (const Error& error) {
      // What one block cannot do is no reason to give up the others.
      if (error.code() != ErrorCode::invalid) throw;
      say(block, error.message());
    }
  }

  void train_or_throw(const Block& block, SteppedRun& floats, SteppedRun& quantized, std::int64_t count) {
    const std::vector<ValueId> inputs = inputs_of(quantized_.graph, block);
    const auto inputs_for = [&](std::int64_t sample) {
      std::vector<Tensor> values;
      for (const ValueId id : inputs) values.push_back(quantized.value(sample, id));
      return values;
    };
    const BlockProbe known = probe(quantized_, block, inputs_for(0), request_.samples);
    std::vector<ConstantPlace> places;
    for (const Learned& each : learn_of(block, known)) places.push_back(each.place);
    GradientReach reach = reach_of(quantized_.graph, block, places, known.shapes);
    const std::vector<ValueId> wanted = keep_known_targets(reach);
    if (wanted.empty()) return say(block, cat("no trained number has a gradient", cut_text(reach)));
    const KeptValues kept(floats, wanted);
    const std::vector<double> weights = run_float_part(floats, wanted, count);
    const TrainingGraph graph = build_training_graph(quantized_, block, places, known, reach, weights);
    const auto feed = [&](std::int64_t sample) {
      std::vector<Tensor> values = inputs_for(sample);
      for (const ValueId id : wanted) values.push_back(floats.value(sample, id));
      return values;
    };
    decide(block, best_attempt(block, known, graph, feed, count), reach, quantized);
  }

  // Trains with each rate from the start.
  Attempt best_attempt(const Block& block, const BlockProbe& known, const TrainingGraph& graph, const FeedSample& feed,
                       std::int64_t count) const {
    const FinetuneStage& stage = layer_at(block.layers[0]).stage;
    std::vector<double> rates = {stage.rate};
    if (stage.rate == FinetuneStage::automatic) rates = {0.02, 0.005};
    std::optional<Attempt> best;
    for (const double rate : rates) {
      Attempt attempt{.learned = learn_of(block, known), .result = {}};
      std::erase_if(attempt.learned,
                    [&](const Learned& each) { return std::ranges::find(graph.trained, each.place) == graph.trained.end(); });
      std::vector<LearnedConstant*> constants;
      for (const Learned& each : attempt.learned) constants.push_back(each.constant.get());
      attempt.result = train_block({.graph = graph,
                                    .learned = constants,
                                    .samples = request_.samples,
                                    .count = count,
                                    .feed = feed,
                                    .epochs = stage.epochs,
                                    .rate = rate});
      if (!best || !std::isfinite(best->result.after) || attempt.result.after < best->result.after) best = std::move(attempt);
    }
    return std::move(*best);
  }

  // Everything of the block that may be trained, in the order of its nodes.
  std::vector<Learned> learn_of(const Block& block, const BlockProbe& known) const {
    std::vector<Learned> learned;
    const Uses uses(quantized_.graph);
    for (const RoundedValue& each : rounded_values(quantized_.graph, block.begin, block.end)) add_step(each, learned);
    for (std::size_t index = block.begin; index < block.end; ++index) {
      const Node& node = quantized_.graph.nodes[index];
      const auto own = start_places_.find(node.name);
      if (own == start_places_.end()) continue;
      const Node& start = result_.model.graph.nodes[own->second];
      if (layers_.contains(node.name)) add_weights(index, start, learned);
      for (std::size_t input = 0; input < node.inputs.size(); ++input) {
        const auto role = trainable_vector(quantized_.graph, uses, node, input);
        const Tensor* begin = result_.model.graph.constant_input(start, input);
        if (!role || begin == nullptr || start.type != node.type || !stands_for(node, start, input, *begin)) continue;
        const double size = *role == ConstantRole::offset ? known.magnitudes.at(node.outputs[0]) : magnitude(*begin);
        learned.push_back({.place = {index, input}, .constant = std::make_unique<LearnedVector>(*begin, size)});
      }
    }
    return learned;
  }

  // Whether a constant of the quantized model is the float one, rounded at most.
  [[nodiscard]] bool stands_for(const Node& node, const Node& start, std::size_t input, const Tensor& begin) const {
    const Tensor& own = *quantized_.graph.constant_input(node, input);
    if (begin.type() != DataType::float32 || begin.shape() != own.shape()) return false;
    return node.type != "Gemm" || node.number("beta", 1) == start.number("beta", 1);
  }

  static double magnitude(const Tensor& tensor) {
    double sum = 0;
    for (const float number : tensor.data<float>()) sum += std::fabs(static_cast<double>(number));
    return sum / static_cast<double>(tensor.elements());
  }

  // Only of values whose ranges come from statistics.
  void add_step(const RoundedValue& rounded, std::vector<Learned>& learned) const {
    if (!request_.statistics.contains(quantized_.graph[rounded.value].name)) return;
    auto constant = std::make_unique<LearnedStep>(*quantized_.graph.constant_input(quantized_.graph.nodes[rounded.dequantizer], 1));
    const LearnedStep* own = constant.get();
    learned.push_back({.place = {rounded.dequantizer, 1}, .constant = std::move(constant), .step = own, .value = rounded});
  }

  void add_weights(std::size_t index, const Node& start, std::vector<Learned>& learned) const {
    const Node& node = quantized_.graph.nodes[index];
    if (is_lookup(node) || weight_refusal(quantized_.graph, node) || weight_refusal(result_.model.graph, start)) return;
    const WeightMatrix weights = weight_matrix_of(result_.model.graph, start);
    auto codes = codes_to_train(weights, layer_at(index).scheme, node.name, result_.solutions);
    if (!codes) return;
    const WeightMatrix now = weight_matrix_of(quantized_.graph, node);
    if (now.rows != weights.rows || now.columns != weights.columns) return;
    auto constant =
        std::make_unique<LearnedWeights>(weights, std::move(*codes), quantized_.graph.constant_input(node, 1)->shape(), now.transposed);
    const LearnedWeights* own = constant.get();
    learned.push_back({.place = {index, 1}, .constant = std::move(constant), .weights = own});
  }

  // The float model's value; of a rounded one the value before rounding.
  [[nodiscard]] std::optional<ValueId> counterpart_of(ValueId id) const {
    const Graph& graph = quantized_.graph;
    if (const auto same = request_.reference.graph.find_value(graph[id].name)) return same;
    const Uses uses(graph);
    const int dequantizer = uses.producer(id);
    if (dequantizer < 0 || graph.nodes[static_cast<std::size_t>(dequantizer)].type != "DequantizeLinear") return std::nullopt;
    const int quantizer = uses.producer(graph.nodes[static_cast<std::size_t>(dequantizer)].inputs[0]);
    if (quantizer < 0) return std::nullopt;
    return request_.reference.graph.find_value(graph[graph.nodes[static_cast<std::size_t>(quantizer)].inputs[0]].name);
  }

  // Drops targets that the float model does not have, and returns the others' ids there.
  std::vector<ValueId> keep_known_targets(GradientReach& reach) const {
    std::vector<ValueId> wanted;
    std::erase_if(reach.targets, [&](ValueId id) {
      const auto own = counterpart_of(id);
      if (own) wanted.push_back(*own);
      return !own;
    });
    return wanted;
  }

  // Brings the float model to where it has all of the targets; the loss's weights, for which all targets count the same and 1 is their
  // energy.
  std::vector<double> run_float_part(SteppedRun& floats, const std::vector<ValueId>& wanted, std::int64_t count) const {
    const Uses uses(request_.reference.graph);
    int last = -1;
    for (const ValueId id : wanted) last = std::max(last, uses.producer(id));
    floats.advance_to(static_cast<std::size_t>(last + 1));
    if (!std::ranges::all_of(wanted, [&](ValueId id) { return floats.has_value(id); }))
      throw_invalid("the float and the quantized model run in different orders here");
    std::vector<double> weights;
    for (const ValueId id : wanted) {
      double energy = 0;
      for (std::int64_t sample = 0; sample < count; ++sample) {
        for (const float number : floats.value(sample, id).data<float>())
          energy += static_cast<double>(number) * static_cast<double>(number);
      }
      if (!std::isfinite(energy))
        throw_invalid(cat("'", visible(request_.reference.graph[id].name), "' is not finite on calibration data"));
      weights.push_back(energy > 0 ? static_cast<double>(count) / energy / static_cast<double>(wanted.size()) : 0);
    }
    return weights;
  }

  [[nodiscard]] static std::string cut_text(const GradientReach& reach) {
    return reach.cut_at.empty() ? "" : cat("; gradients end at ", join(reach.cut_at, ", "));
  }

  void decide(const Block& block, const Attempt& attempt, const GradientReach& reach, SteppedRun& quantized) {
    const TrainingResult& result = attempt.result;
    if (!std::isfinite(result.after)) return say(block, cat("a number was not finite while it learned", cut_text(reach)));
    const std::string size = decibels(std::max(result.before, result.after) / std::min(result.before, result.after));
    if (!(result.after < result.before))
      return say(block, cat("held-out error did not fall", result.after > result.before ? cat(" (", size, " more)") : "", cut_text(reach)));
    note(block, cat("finetune: ", size, " less output error on held-out samples, ", block.layers.size(),
                    block.layers.size() == 1 ? " layer" : " layers together", cut_text(reach)));
    for (const Learned& each : attempt.learned) keep(each, quantized);
  }

  void keep(const Learned& learned, SteppedRun& quantized) {
    const Node& node = quantized_.graph.nodes[learned.place.node];
    quantized.replace_input(learned.place.node, learned.place.input, learned.constant->value());
    if (learned.step != nullptr) {
      quantized.replace_input(learned.value->quantizer, 1, learned.constant->value());
      const float scale = learned.step->scale();
      result_.statistics[quantized_.graph[learned.value->value].name].learned = {static_cast<float>(learned.value->steps_below) * scale,
                                                                                 static_cast<float>(learned.value->steps_above) * scale};
      return;
    }
    if (learned.weights != nullptr) {
      result_.solutions[node.name].quantized = learned.weights->quantized();
      return;
    }
    Graph& graph = result_.model.graph;
    Node& own = graph.nodes[start_places_.at(node.name)];
    const std::string name = NameSource(graph).value(graph[own.inputs[learned.place.input]].name + "_finetuned");
    own.inputs[learned.place.input] = graph.add_constant(name, learned.constant->value());
  }

  const FinetuneRequest& request_;
  StageRemarks& remarks_;
  FinetunedModel result_;
  Model quantized_;  // with weights dequantized to constants
  std::unordered_map<std::string, TrainedLayer> layers_;
  std::unordered_map<std::string, std::size_t> start_places_;
};

}  // namespace

bool finetunes(const Config& config) {
  const std::vector<Stage> stages = stages_of(config);
  return stage_of<FinetuneStage>(stages) != nullptr;
}

FinetunedModel finetune(const FinetuneRequest& request, StageRemarks& remarks) {
  if (request.samples.count == 0)
    throw_invalid("finetune needs calibration data", {}, "give samples of the model's inputs with --calibration");
  return Finetuner(request, remarks).run();
}

}  // namespace titrate::engine
