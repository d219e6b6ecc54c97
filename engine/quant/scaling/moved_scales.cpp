#include "engine/quant/scaling/moved_scales.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "engine/quant/scaling/fold.hpp"
#include "engine/quant/scaling/scale_evidence.hpp"
#include "engine/quant/scaling/site.hpp"

namespace titrate::engine {
namespace {

constexpr int most_sweeps = 30;
constexpr double converged = 1e-6;
// Of the logarithm of a factor that constants say which stayed float.
constexpr double exact = 1e12;
// Above this a factor counts as read, not estimated.
constexpr double as_good_as_exact = 1e8;

// What both models hold of one layer.
struct Layer {
  LayerWeights weights;
  const StoredParameter* bias = nullptr;
  int input = -1;   // the place whose factors its input channels have
  int output = -1;  // and its output channels
};

// A site in the float model with what is found out about its factors.
struct Place {
  ScalingSite site;
  std::optional<Fold> fold;  // none: the quantized model has a multiplication of its own here
  std::string product;       // its output there
  std::vector<int> readers;  // layers
  int producer = -1;         // layer
  FactorEstimate constants;  // what is not the weights of layers
  FactorEstimate by_weights;
  FactorEstimate estimate;
  bool fixed = false;
};

double root_mean_square(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number * number;
  return numbers.empty() ? 0 : std::sqrt(sum / static_cast<double>(numbers.size()));
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + std::ssize(numbers) / 2;
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

class Finder {
 public:
  Finder(const Model& reference, const Model& quantized, const LayerMatch& match)
      : reference_(reference),
        graph_(reference.graph),
        uses_(graph_),
        quantized_(quantized.graph),
        quantized_uses_(quantized_),
        match_(match) {
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) nodes_.emplace(graph_.nodes[index].name, index);
    for (std::size_t index = 0; index < quantized_.nodes.size(); ++index) quantized_nodes_.emplace(quantized_.nodes[index].name, index);
    for (const ComparedLayer& layer : match.layers) {
      if (const auto node = counterpart_of(layer)) add_layer(*node, layer);
    }
    for (const ScalingSite& site : scaling_sites(graph_, [](const Node&) { return true; })) add_places(site);
  }

  std::optional<MovedScales> find() {
    for (Place& place : places_) {
      if (place.fold) read_constants(place);
    }
    solve();
    if (drop_unfaithful()) solve();
    const std::vector<bool> moved = moved_places();
    if (std::none_of(moved.begin(), moved.end(), [](bool each) { return each; })) return std::nullopt;
    // What was not moved is known now, which tells more of the rest.
    for (std::size_t index = 0; index < places_.size(); ++index) {
      if (moved[index] || places_[index].fixed) continue;
      places_[index].estimate = FactorEstimate(places_[index].estimate.logs.size());
      places_[index].fixed = true;
    }
    solve();
    return applied(moved);
  }

 private:
  std::optional<std::size_t> counterpart_of(const ComparedLayer& layer) const {
    const auto named = nodes_.find(layer.name);
    if (named != nodes_.end()) return named->second;
    const auto value = graph_.find_value(layer.float_output);
    const int producer = value ? uses_.producer(*value) : -1;
    return producer < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(producer));
  }

  void add_layer(std::size_t node, const ComparedLayer& layer) {
    quantized_of_.emplace(node, layer.node);
    const auto& stored = layer.weights;
    if (!stored || stored->input != 1 || !stored->wanted.exists() || stored->wanted.rank() < 2) return;
    const Node& own = quantized_.nodes[layer.node];
    const Shape& shape = stored->wanted.shape();
    LayerWeights weights{.wanted = stored->wanted.data<float>(), .stored = stored->numbers.data<float>()};
    if (own.type == "Conv") {
      weights.rows = shape[0];
      weights.groups = own.integer("group", 1);
      weights.taps = shape[1] == 0 ? 1 : stored->wanted.elements() / std::max<std::int64_t>(1, shape[0] * shape[1]);
    } else if (own.type == "Gemm" || own.type == "MatMul" || own.type == "MatMulInteger") {
      if (shape.size() != 2) return;
      weights.transposed = own.type != "Gemm" || own.integer("transB", 0) == 0;
      weights.rows = shape[weights.transposed ? 1 : 0];
    } else {
      return;
    }
    if (weights.rows <= 0 || stored->wanted.elements() == 0 || weights.groups <= 0 || weights.rows % weights.groups != 0) return;
    weights.columns = stored->wanted.elements() / weights.rows;
    layer_of_.emplace(node, static_cast<int>(layers_.size()));
    layers_.push_back({.weights = weights, .bias = layer.bias && layer.bias->wanted.exists() ? &*layer.bias : nullptr});
  }

  // The readers of a site that have a multiplication of their own in the quantized model, and the others.
  void add_places(const ScalingSite& site) {
    std::map<std::string, std::vector<std::size_t>> by_product;
    std::vector<std::size_t> others;
    for (const std::size_t reader : site.readers) {
      const Node* product = product_before(reader, site);
      if (product == nullptr) {
        others.push_back(reader);
      } else {
        by_product[quantized_[product->outputs[0]].name].push_back(reader);
      }
    }
    for (const auto& [product, readers] : by_product) {
      ScalingSite own = site;
      own.alone = false;
      own.readers = readers;
      add_product(own, product);
    }
    if (others.size() != site.readers.size() || !site.alone) return;
    if (const auto fold = find_fold(graph_, uses_, site.input, site.axis)) add_fold(site, *fold);
  }

  Place place_for(const ScalingSite& site) {
    const auto channels = static_cast<std::size_t>(site.channels);
    Place place{.site = site,
                .fold = std::nullopt,
                .product = {},
                .readers = {},
                .constants = FactorEstimate(channels),
                .by_weights = FactorEstimate(channels),
                .estimate = FactorEstimate(channels)};
    for (const std::size_t reader : site.readers) {
      const auto layer = layer_of_.find(reader);
      if (layer == layer_of_.end() || layers_[static_cast<std::size_t>(layer->second)].weights.input_channels() != site.channels) continue;
      place.readers.push_back(layer->second);
      layers_[static_cast<std::size_t>(layer->second)].input = static_cast<int>(places_.size());
    }
    return place;
  }

  void add_fold(const ScalingSite& site, const Fold& fold) {
    Place place = place_for(site);
    place.fold = fold;
    const auto layer = layer_of_.find(fold.producer);
    if (layer != layer_of_.end() && layers_[static_cast<std::size_t>(layer->second)].weights.rows == site.channels) {
      place.producer = layer->second;
      layers_[static_cast<std::size_t>(layer->second)].output = static_cast<int>(places_.size());
    }
    places_.push_back(std::move(place));
  }

  void add_product(const ScalingSite& site, const std::string& name) {
    const Node& node = quantized_.nodes[static_cast<std::size_t>(quantized_uses_.producer(*quantized_.find_value(name)))];
    const auto factors = factors_of(node)->data<float>();
    Place place = place_for(site);
    place.product = name;
    place.fixed = true;
    for (std::size_t channel = 0; channel < place.estimate.logs.size(); ++channel)
      place.estimate.add(channel, -std::log(static_cast<double>(factors[factors.size() == 1 ? 0 : channel])), exact);
    places_.push_back(std::move(place));
  }

  // The multiplication by one constant a channel between the float model's value and what the layer reads in the quantized model.
  const Node* product_before(std::size_t reader, const ScalingSite& site) const {
    const auto own = quantized_of_.find(reader);
    if (own == quantized_of_.end()) return nullptr;
    const Node* node = maker(quantized_.nodes[own->second].inputs[0]);
    while (node != nullptr && passes_on(*node)) node = maker(node->inputs[0]);
    if (node == nullptr || node->type != "Mul" || nodes_.contains(node->name) || factors_of(*node) == nullptr) return nullptr;
    ValueId source = node->inputs[quantized_.constant(node->inputs[0]) != nullptr ? 1 : 0];
    for (const Node* before = maker(source); before != nullptr && passes_on(*before); before = maker(source)) source = before->inputs[0];
    const auto known = match_.float_values.find(source);
    const auto factors = factors_of(*node)->data<float>();
    const bool fits = factors.size() == 1 || std::ssize(factors) == site.channels;
    const bool positive = std::all_of(factors.begin(), factors.end(), [](float factor) { return factor > 0 && std::isfinite(factor); });
    return known != match_.float_values.end() && known->second == graph_[site.input].name && fits && positive ? node : nullptr;
  }

  const Node* maker(ValueId value) const {
    const int producer = quantized_uses_.producer(value);
    return producer < 0 ? nullptr : &quantized_.nodes[static_cast<std::size_t>(producer)];
  }

  // Quantizers and what else stands between a value and its reader without changing it but for rounding.
  static bool passes_on(const Node& node) {
    return node.has_input(0) && (node.type == "QuantizeLinear" || node.type == "DequantizeLinear" || node.type == "DynamicQuantizeLinear" ||
                                 node.type == "Identity" || node.type == "Max");
  }

  const Tensor* factors_of(const Node& product) const {
    for (const ValueId input : product.inputs) {
      const Tensor* constant = quantized_.constant(input);
      if (constant != nullptr && constant->type() == DataType::float32) return constant;
    }
    return nullptr;
  }

  // Biases, normalizations and constant operands on the way of a fold.
  void read_constants(Place& place) {
    const auto read = [&](std::size_t index, bool inverse) {
      const Node& node = graph_.nodes[index];
      const auto own = quantized_nodes_.find(node.name);
      if (own == quantized_nodes_.end() || quantized_.nodes[own->second].type != node.type) return;
      for (std::size_t input = 0; input < node.inputs.size(); ++input)
        read_pair(place, graph_.constant_input(node, input), quantized_.constant_input(quantized_.nodes[own->second], input), inverse);
    };
    const Node& producer = graph_.nodes[place.fold->producer];
    if (producer.type == "LayerNormalization" || producer.type == "Mul" || producer.type == "Div")
      read(place.fold->producer, producer.type == "Div");
    for (const std::size_t index : place.fold->between) {
      if (graph_.nodes[index].type == "Add" || graph_.nodes[index].type == "Sub") read(index, false);
    }
    if (place.producer >= 0) read_bias(place);
  }

  static void read_pair(Place& place, const Tensor* wanted, const Tensor* stored, bool inverse) {
    const auto channels = static_cast<std::int64_t>(place.constants.logs.size());
    const auto fits = [&](const Tensor* constant) {
      return constant != nullptr && constant->type() == DataType::float32 &&
             (constant->elements() == channels || constant->elements() == 1);
    };
    if (!fits(wanted) || !fits(stored)) return;
    for (std::size_t channel = 0; channel < place.constants.logs.size(); ++channel) {
      const auto at = [&](const Tensor& tensor) { return static_cast<double>(tensor.data<float>()[tensor.elements() == 1 ? 0 : channel]); };
      const double ratio = inverse ? at(*stored) / at(*wanted) : at(*wanted) / at(*stored);
      if (ratio > 0) place.constants.add(channel, std::log(ratio), exact);
    }
  }

  // Biases are stored in steps: half a step off is as good as on.
  void read_bias(Place& place) const {
    const StoredParameter* bias = layers_[static_cast<std::size_t>(place.producer)].bias;
    if (bias == nullptr || bias->wanted.elements() != std::ssize(place.constants.logs)) return;
    const auto wanted = bias->wanted.data<float>();
    const auto stored = bias->numbers.data<float>();
    const bool rounded = bias->codes.exists() && bias->codes.elements() == bias->wanted.elements();
    const std::vector<double> codes = rounded ? to_doubles(bias->codes) : std::vector<double>{};
    if (bias->type != DataType::float32 && !rounded) return;
    for (std::size_t channel = 0; channel < wanted.size(); ++channel) {
      const double ratio = static_cast<double>(wanted[channel]) / static_cast<double>(stored[channel]);
      if (ratio > 0) place.constants.add(channel, std::log(ratio), rounded ? std::min(exact, 12 * codes[channel] * codes[channel]) : exact);
    }
  }

  std::span<const double> logs_of(int place) const {
    return place < 0 ? std::span<const double>() : std::span<const double>(places_[static_cast<std::size_t>(place)].estimate.logs);
  }

  // Gauss-Seidel: each place's factors from what is known of the others'. The first sweep goes down the network, where what comes behind is
  // not known yet.
  void solve() {
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      double change = 0;
      for (Place& place : places_) {
        if (place.fixed) continue;
        FactorEstimate weights(place.estimate.logs.size());
        if (place.producer >= 0) {
          const Layer& layer = layers_[static_cast<std::size_t>(place.producer)];
          weights.add(output_factors(layer.weights, logs_of(layer.input)));
        }
        for (const int reader : place.readers) {
          if (sweep == 0 && (weights.knows_anything() || place.constants.knows_anything())) break;
          const Layer& layer = layers_[static_cast<std::size_t>(reader)];
          weights.add(input_factors(layer.weights, logs_of(layer.output)));
        }
        FactorEstimate all = weights;
        all.add(place.constants);
        for (std::size_t channel = 0; channel < all.logs.size(); ++channel)
          change = std::max(change, std::fabs(all.logs[channel] - place.estimate.logs[channel]));
        place.by_weights = std::move(weights);
        place.estimate = std::move(all);
      }
      if (sweep > 0 && change < converged) return;
    }
  }

  // Constants that were changed otherwise (bias correction, training) say nothing of factors.
  bool drop_unfaithful() {
    bool dropped = false;
    for (Place& place : places_) {
      if (is_faithful(place)) continue;
      place.constants = FactorEstimate(place.constants.logs.size());
      dropped = true;
    }
    return dropped;
  }

  // Constants that are as they were tell that nothing was moved. Else the weights must agree with them, and far better than with no
  // factors.
  static bool is_faithful(const Place& place) {
    constexpr double unchanged = 1e-6;
    constexpr double most_left = 0.25;  // of the squared deviations
    std::vector<double> deviations;
    double with_factors = 0;
    double without = 0;
    double largest = 0;
    for (std::size_t channel = 0; channel < place.constants.logs.size(); ++channel) {
      if (!(place.constants.precisions[channel] > 0)) continue;
      const double said = place.constants.logs[channel];
      largest = std::max(largest, std::fabs(said));
      const double precision = place.by_weights.precisions[channel];
      if (!(precision > 0)) continue;
      const double own = place.by_weights.logs[channel];
      const double variance = 1 / precision + 1 / place.constants.precisions[channel];
      deviations.push_back(std::fabs(own - said) / tolerance(1 / variance, place.by_weights.doubts[channel]));
      with_factors += precision * (own - said) * (own - said);
      without += precision * own * own;
    }
    if (deviations.empty() || largest < unchanged) return true;
    return median(std::move(deviations)) <= 1 && with_factors <= most_left * without;
  }

  // How far from the truth an estimate of ln(factor) may be.
  static double tolerance(double precision, double doubt) { return 3 / std::sqrt(precision) + doubt; }

  // Places whose factors are further from 1 than rounding explains.
  std::vector<bool> moved_places() const {
    std::vector<bool> moved;
    for (const Place& place : places_) {
      std::vector<double> logs;
      std::vector<double> tolerances;
      for (std::size_t channel = 0; channel < place.estimate.logs.size(); ++channel) {
        const double precision = place.estimate.precisions[channel];
        if (!(precision > 0)) continue;
        logs.push_back(place.estimate.logs[channel]);
        tolerances.push_back(tolerance(precision, place.estimate.doubts[channel]));
      }
      moved.push_back(root_mean_square(logs) > root_mean_square(tolerances));
    }
    return moved;
  }

  MovedScales applied(const std::vector<bool>& moved) const {
    MovedScales result{.reference = reference_, .layers = {}};
    std::vector<ScalingSite> sites;
    for (const Place& place : places_) sites.push_back(place.site);
    const std::vector<std::vector<std::string>> names = reader_names(graph_, sites);
    for (std::size_t index = 0; index < places_.size(); ++index) {
      const Place& place = places_[index];
      if (!moved[index]) continue;
      std::vector<float> factors;
      for (const double log : place.estimate.logs) factors.push_back(static_cast<float>(std::exp(log)));
      find_readers(result.reference.graph, names[index], sites[index]);
      if (!scale_site(result.reference, sites[index], factors, place.fold ? WithoutFold::leave : WithoutFold::insert_multiplication))
        continue;
      if (!place.fold) name_product(result.reference.graph, sites[index], place.product);
      std::vector<double> errors;
      for (const double precision : place.estimate.precisions) {
        if (precision > 0) errors.push_back(precision > as_good_as_exact ? 0 : 1 / std::sqrt(precision));
      }
      for (const std::string& name : names[index]) note(result, name, root_mean_square(errors));
      if (place.producer >= 0) note(result, graph_.nodes[place.fold->producer].name, root_mean_square(errors));
    }
    remove_unused(result.reference.graph);
    return result;
  }

  static void note(MovedScales& result, const std::string& layer, double error) {
    double& known = result.layers[layer];
    known = std::max(known, error);
  }

  // As in the quantized model, so that the two values are known to be the same.
  static void name_product(Graph& graph, const ScalingSite& site, const std::string& name) {
    const ValueId product = graph.nodes[site.readers[0]].inputs[0];
    if (!graph.find_value(name)) graph[product].name = name;
  }

  const Model& reference_;
  const Graph& graph_;
  Uses uses_;
  const Graph& quantized_;
  Uses quantized_uses_;
  const LayerMatch& match_;
  std::unordered_map<std::string, std::size_t> nodes_;
  std::unordered_map<std::string, std::size_t> quantized_nodes_;
  std::map<std::size_t, std::size_t> quantized_of_;  // by node of the float model the quantized model's
  std::map<std::size_t, int> layer_of_;              // by node of the float model
  std::vector<Layer> layers_;
  std::vector<Place> places_;
};

}  // namespace

std::optional<MovedScales> find_moved_scales(const Model& reference, const Model& quantized, const LayerMatch& match) {
  return Finder(reference, quantized, match).find();
}

}  // namespace titrate::engine
