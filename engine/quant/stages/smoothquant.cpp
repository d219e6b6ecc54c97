// SmoothQuant: an activation's channels are divided by s_j = max|x_j|^alpha / max|w_j|^(1 - alpha), and the weights that read it are
// multiplied, so that both have ranges that quantize well (algorithms B3; arXiv 2211.10438).
#include "engine/quant/stages/smoothquant.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/scaling/site.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stages/scheme_rounding.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weight_matrix.hpp"
#include "engine/quant/weights/input_rows.hpp"

namespace titrate::engine {
namespace {

// Floors of the paper's code: weights of a channel, and factors.
constexpr float least = 1e-5F;
// alpha=auto.
constexpr double first_alpha = 0.3;
constexpr double last_alpha = 0.9;
constexpr double alpha_step = 0.05;
constexpr std::int64_t search_samples = 16;
constexpr std::int64_t search_rows = 32;  // of each sample

// What is seen of one site's input.
struct SiteInput {
  std::vector<float> largest;     // by channel
  std::vector<SampledRows> rows;  // for each reader, where alpha is searched and the layer has one group
};

class InputCollector {
 public:
  InputCollector(const Model& model, const std::vector<ScalingSite>& sites, bool with_rows)
      : model_(model), sites_(sites), with_rows_(with_rows) {
    for (const ScalingSite& site : sites)
      inputs_.push_back(
          {.largest = std::vector<float>(static_cast<std::size_t>(site.channels)), .rows = std::vector<SampledRows>(site.readers.size())});
  }

  std::vector<SiteInput> collect(const CalibrationSamples& samples) {
    observe_sites(model_, sites_, samples, [&](std::size_t site, std::int64_t sample, const Tensor& input) { see(site, sample, input); });
    return std::move(inputs_);
  }

 private:
  void see(std::size_t index, std::int64_t sample, const Tensor& tensor) {
    const ScalingSite& site = sites_[index];
    SiteInput& input = inputs_[index];
    if (tensor.type() != DataType::float32 || tensor.rank() <= site.axis) return;
    std::size_t inner = 1;
    for (std::int64_t axis = site.axis + 1; axis < tensor.rank(); ++axis)
      inner *= static_cast<std::size_t>(tensor.shape()[static_cast<std::size_t>(axis)]);
    const auto elements = tensor.data<float>();
    for (std::size_t place = 0; place < elements.size(); ++place) {
      float& largest = input.largest[place / inner % input.largest.size()];
      if (std::isfinite(elements[place])) largest = std::max(largest, std::fabs(elements[place]));
    }
    if (!with_rows_ || sample >= search_samples) return;
    for (std::size_t reader = 0; reader < site.readers.size(); ++reader) {
      const Node& node = model_.graph.nodes[site.readers[reader]];
      const InputRows rows = input_rows(node, model_.graph.constant_input(node, 1)->shape(), tensor, search_rows);
      if (rows.groups != 1) continue;
      SampledRows& own = input.rows[reader];
      own.columns = rows.columns;
      own.elements.insert(own.elements.end(), rows.elements.begin(), rows.elements.end());
      own.ends.push_back(own.elements.size());
    }
  }

  const Model& model_;
  const std::vector<ScalingSite>& sites_;
  bool with_rows_;
  std::vector<SiteInput> inputs_;
};

// Squared error of the layer's output if its input is divided by the factors and both sides are rounded as its scheme does.
double error_of(const WeightMatrix& weights, const SampledRows& rows, std::span<const float> factors, const Scheme& scheme) {
  const auto columns = static_cast<std::size_t>(weights.columns);
  const std::size_t taps = columns / factors.size();
  WeightMatrix scaled = weights;
  SampledRows divided = rows;
  for (std::size_t place = 0; place < scaled.elements.size(); ++place) scaled.elements[place] *= factors[place % columns / taps];
  for (std::size_t place = 0; place < divided.elements.size(); ++place) divided.elements[place] /= factors[place % columns / taps];
  round_weights(scaled, scheme);
  round_inputs(divided, scheme);
  const std::size_t count = rows.elements.size() / columns;
  std::vector<double> errors(count);
#pragma omp parallel for schedule(static)
  for (std::size_t row = 0; row < count; ++row) {
    for (std::int64_t channel = 0; channel < weights.rows; ++channel) {
      double difference = 0;
      const float* own = weights.row(channel).data();
      const float* rounded = scaled.row(channel).data();
      for (std::size_t column = 0; column < columns; ++column) {
        difference += static_cast<double>(own[column]) * static_cast<double>(rows.elements[row * columns + column]) -
                      static_cast<double>(rounded[column]) * static_cast<double>(divided.elements[row * columns + column]);
      }
      errors[row] += difference * difference;
    }
  }
  double total = 0;
  for (const double error : errors) total += error;
  return total;
}

// What is chosen for a site: an alpha, or nothing where every alpha loses against leaving it alone.
class AlphaSearch {
 public:
  AlphaSearch(const Graph& graph, const ScalingSite& site, const SiteInput& input, std::span<const float> weights,
              const SchemeChooser& choose)
      : input_(input), weights_(weights) {
    for (std::size_t reader = 0; reader < site.readers.size(); ++reader) {
      if (input.rows[reader].elements.empty()) continue;
      const Node& node = graph.nodes[site.readers[reader]];
      layers_.push_back({weight_matrix_of(graph, node), &input.rows[reader], choose(node.name, node.type)});
    }
  }

  // The paper's 0.5 where no layer can tell.
  [[nodiscard]] std::optional<double> best() const {
    if (layers_.empty()) return 0.5;
    std::optional<double> best;
    double least_error = error_with(std::vector<float>(input_.largest.size(), 1.0F));
    for (double alpha = first_alpha; alpha < last_alpha + alpha_step / 2; alpha += alpha_step) {
      const double error = error_with(smoothing_factors(input_.largest, weights_, alpha));
      if (!(error < least_error)) continue;
      least_error = error;
      best = alpha;
    }
    return best;
  }

 private:
  struct Layer {
    WeightMatrix weights;
    const SampledRows* rows;
    Scheme scheme;
  };

  [[nodiscard]] double error_with(const std::vector<float>& factors) const {
    double error = 0;
    for (const Layer& layer : layers_) error += error_of(layer.weights, *layer.rows, factors, layer.scheme);
    return error;
  }

  const SiteInput& input_;
  std::span<const float> weights_;
  std::vector<Layer> layers_;
};

std::vector<float> largest_weights(const Graph& graph, const ScalingSite& site) {
  std::vector<float> largest(static_cast<std::size_t>(site.channels));
  for (const std::size_t reader : site.readers) {
    const std::vector<float> own = largest_by_input_channel(graph, graph.nodes[reader]);
    for (std::size_t channel = 0; channel < largest.size(); ++channel) largest[channel] = std::max(largest[channel], own[channel]);
  }
  return largest;
}

void smooth(StageContext& context, const ScalingSite& site, const SiteInput& input, double alpha, const SchemeChooser& choose) {
  Graph& graph = context.model.graph;
  const std::vector<float> weights = largest_weights(graph, site);
  std::vector<std::string> readers;
  for (const std::size_t reader : site.readers) readers.push_back(graph.nodes[reader].name);
  const auto remark = [&](const std::string& text) {
    for (const std::string& reader : readers) context.remarks[reader].push_back(text);
  };
  const bool search = alpha == SmoothQuantStage::automatic;
  if (search) {
    const auto found = AlphaSearch(graph, site, input, weights, choose).best();
    if (!found) return remark("not smoothed: with its scheme's rounding every alpha loses more than none");
    alpha = *found;
  }
  // A convolution's input is as large as an image: a node of its own would cost more than is gained.
  const bool images = graph.nodes[site.readers[0]].type == "Conv";
  const auto where = scale_site(context.model, site, smoothing_factors(input.largest, weights, alpha),
                                images ? WithoutFold::leave : WithoutFold::insert_multiplication);
  const std::string how = search ? cat(" with alpha ", shortest(std::round(alpha * 100) / 100)) : "";
  remark(where ? cat("smoothed", how, " through ", *where)
               : "not smoothed: nothing before it can take the factors, or its weights would overflow");
}

// Which layers take part. Where only weights are rounded a fixed alpha has nothing to balance; a search tells what it gains.
class Participants {
 public:
  explicit Participants(const Config& config) : choose_(config) {}

  [[nodiscard]] const SchemeChooser& schemes() const { return choose_; }
  [[nodiscard]] double alpha(const Node& node) const { return stage_for(node)->alpha; }
  [[nodiscard]] bool contains(const Graph& graph, const Node& node) const {
    if (stage_for(node) == nullptr || is_lookup(node)) return false;
    const Scheme& scheme = choose_(node.name, node.type);
    if (std::holds_alternative<FloatScheme>(scheme) || weight_refusal(graph, node)) return false;
    if (implementation_of(scheme).refusal(graph, node, scheme)) return false;
    return rounds_inputs(scheme) || alpha(node) == SmoothQuantStage::automatic;
  }
  /// Of a layer with the stage that is quantized all the same.
  [[nodiscard]] bool left_out(const Graph& graph, const Node& node) const {
    if (stage_for(node) == nullptr || is_lookup(node) || weight_refusal(graph, node)) return false;
    const Scheme& scheme = choose_(node.name, node.type);
    return !std::holds_alternative<FloatScheme>(scheme) && !rounds_inputs(scheme) && alpha(node) != SmoothQuantStage::automatic;
  }

 private:
  [[nodiscard]] const SmoothQuantStage* stage_for(const Node& node) const {
    return stage_of<SmoothQuantStage>(choose_.stages(node.name, node.type));
  }

  SchemeChooser choose_;
};

void prepare(StageContext& context, const Stage&) {
  const Participants participants(context.config);
  const Graph& graph = context.model.graph;
  std::vector<ScalingSite> sites = scaling_sites(graph, [&](const Node& node) { return participants.contains(graph, node); });
  for (const Node& node : graph.nodes) {
    if (participants.left_out(graph, node))
      context.remarks[node.name].emplace_back("not smoothed: its input stays float (alpha=auto asks what its weights would gain)");
  }
  if (sites.empty()) return;
  std::vector<double> alphas;
  for (const ScalingSite& site : sites) alphas.push_back(participants.alpha(graph.nodes[site.readers[0]]));
  const bool search = std::ranges::find(alphas, SmoothQuantStage::automatic) != alphas.end();
  const std::vector<SiteInput> inputs = InputCollector(context.model, sites, search).collect(context.samples);
  const std::vector<std::vector<std::string>> readers = reader_names(graph, sites);
  for (std::size_t index = 0; index < sites.size(); ++index) {
    find_readers(graph, readers[index], sites[index]);
    smooth(context, sites[index], inputs[index], alphas[index], participants.schemes());
  }
  remove_unused(context.model.graph);
}

}  // namespace

std::vector<float> smoothing_factors(std::span<const float> activations, std::span<const float> weights, double alpha) {
  std::vector<float> factors(activations.size(), 1.0F);
  for (std::size_t channel = 0; channel < factors.size(); ++channel) {
    if (activations[channel] == 0) continue;
    const double weight = std::max(weights[channel], least);
    const double factor = std::pow(static_cast<double>(activations[channel]), alpha) / std::pow(weight, 1 - alpha);
    factors[channel] = static_cast<float>(std::max(factor, static_cast<double>(least)));
  }
  return factors;
}

const StageImplementation smoothquant_stage{"smoothquant", true, prepare};

}  // namespace titrate::engine
