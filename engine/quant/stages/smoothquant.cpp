// SmoothQuant: an activation's channels are divided by s_j = max|x_j|^alpha / max|w_j|^(1 - alpha), and the weights that read it are
// multiplied, so that both have ranges that quantize well (algorithms B3; arXiv 2211.10438).
#include "engine/quant/stages/smoothquant.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/scaling/site.hpp"
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
  std::vector<float> largest;            // by channel
  std::vector<std::vector<float>> rows;  // for each reader [count, K], where alpha is searched and the layer has one group
};

class InputCollector {
 public:
  InputCollector(const Model& model, const std::vector<ScalingSite>& sites, bool with_rows)
      : model_(model), sites_(sites), with_rows_(with_rows) {
    for (const ScalingSite& site : sites)
      inputs_.push_back({.largest = std::vector<float>(static_cast<std::size_t>(site.channels)),
                         .rows = std::vector<std::vector<float>>(site.readers.size())});
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
      if (rows.groups == 1) input.rows[reader].insert(input.rows[reader].end(), rows.elements.begin(), rows.elements.end());
    }
  }

  const Model& model_;
  const std::vector<ScalingSite>& sites_;
  bool with_rows_;
  std::vector<SiteInput> inputs_;
};

// Rounded to 8 bits: activations asymmetric with one range, weights symmetric by output channel, as static INT8 does by default.
void round_activations(std::span<float> rows) {
  const auto [low, high] = std::minmax_element(rows.begin(), rows.end());
  const AffineParameters parameters = asymmetric_parameters(std::min(*low, 0.0F), std::max(*high, 0.0F), unsigned_range(8));
  for (float& number : rows) number = dequantize(quantize(number, parameters, unsigned_range(8)), parameters);
}

void round_weights(WeightMatrix& weights) {
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const auto elements =
        std::span(weights.elements).subspan(static_cast<std::size_t>(row * weights.columns), static_cast<std::size_t>(weights.columns));
    float largest = 0;
    for (const float element : elements) largest = std::max(largest, std::fabs(element));
    const AffineParameters parameters = symmetric_parameters(largest, narrow_range(8).most);
    for (float& element : elements) element = dequantize(quantize(element, parameters, narrow_range(8)), parameters);
  }
}

// Squared error of the layer's output if its input is divided by the factors and both sides are rounded.
double error_of(const WeightMatrix& weights, std::span<const float> rows, std::span<const float> factors) {
  const auto columns = static_cast<std::size_t>(weights.columns);
  const std::size_t taps = columns / factors.size();
  WeightMatrix scaled = weights;
  std::vector<float> divided(rows.begin(), rows.end());
  for (std::size_t place = 0; place < scaled.elements.size(); ++place) scaled.elements[place] *= factors[place % columns / taps];
  for (std::size_t place = 0; place < divided.size(); ++place) divided[place] /= factors[place % columns / taps];
  round_weights(scaled);
  round_activations(divided);
  const std::size_t count = rows.size() / columns;
  std::vector<double> errors(count);
#pragma omp parallel for schedule(static)
  for (std::size_t row = 0; row < count; ++row) {
    for (std::int64_t channel = 0; channel < weights.rows; ++channel) {
      double difference = 0;
      const float* own = weights.row(channel).data();
      const float* rounded = scaled.row(channel).data();
      for (std::size_t column = 0; column < columns; ++column) {
        difference += static_cast<double>(own[column]) * static_cast<double>(rows[row * columns + column]) -
                      static_cast<double>(rounded[column]) * static_cast<double>(divided[row * columns + column]);
      }
      errors[row] += difference * difference;
    }
  }
  double total = 0;
  for (const double error : errors) total += error;
  return total;
}

// The best alpha of the grid for a site; the paper's 0.5 where no layer can tell.
double searched_alpha(const Graph& graph, const ScalingSite& site, const SiteInput& input, std::span<const float> weights) {
  double best = 0.5;
  double least_error = HUGE_VAL;
  for (double alpha = first_alpha; alpha < last_alpha + alpha_step / 2; alpha += alpha_step) {
    const std::vector<float> factors = smoothing_factors(input.largest, weights, alpha);
    double error = 0;
    bool any = false;
    for (std::size_t reader = 0; reader < site.readers.size(); ++reader) {
      if (input.rows[reader].empty()) continue;
      any = true;
      error += error_of(weight_matrix_of(graph, graph.nodes[site.readers[reader]]), input.rows[reader], factors);
    }
    if (!any || !(error < least_error)) continue;
    least_error = error;
    best = alpha;
  }
  return best;
}

std::vector<float> largest_weights(const Graph& graph, const ScalingSite& site) {
  std::vector<float> largest(static_cast<std::size_t>(site.channels));
  for (const std::size_t reader : site.readers) {
    const std::vector<float> own = largest_by_input_channel(graph, graph.nodes[reader]);
    for (std::size_t channel = 0; channel < largest.size(); ++channel) largest[channel] = std::max(largest[channel], own[channel]);
  }
  return largest;
}

bool quantizes_inputs(const Scheme& scheme) {
  const auto* fp8 = std::get_if<Fp8Scheme>(&scheme);
  return std::holds_alternative<StaticInt8Scheme>(scheme) || std::holds_alternative<DynamicInt8Scheme>(scheme) ||
         (fp8 != nullptr && !fp8->weights_only);
}

void smooth(StageContext& context, const ScalingSite& site, const SiteInput& input, double alpha) {
  Graph& graph = context.model.graph;
  const std::vector<float> weights = largest_weights(graph, site);
  const bool search = alpha == SmoothQuantStage::automatic;
  if (search) alpha = searched_alpha(graph, site, input, weights);
  // A convolution's input is as large as an image: a node of its own would cost more than is gained.
  const bool images = graph.nodes[site.readers[0]].type == "Conv";
  std::vector<std::string> readers;
  for (const std::size_t reader : site.readers) readers.push_back(graph.nodes[reader].name);
  const auto where = scale_site(context.model, site, smoothing_factors(input.largest, weights, alpha),
                                images ? WithoutFold::leave : WithoutFold::insert_multiplication);
  const std::string how = search ? cat(" with alpha ", shortest(std::round(alpha * 100) / 100)) : "";
  for (const std::string& reader : readers)
    context.remarks[reader].push_back(where ? cat("smoothed", how, " through ", *where)
                                            : "not smoothed: nothing before it can take the factors, or its weights would overflow");
}

void prepare(StageContext& context, const Stage&) {
  const SchemeChooser choose(context.config);
  const auto stage_for = [&](const Node& node) { return stage_of<SmoothQuantStage>(choose.stages(node.name, node.type)); };
  const auto takes_part = [&](const Node& node) { return stage_for(node) != nullptr && quantizes_inputs(choose(node.name, node.type)); };
  std::vector<ScalingSite> sites = scaling_sites(context.model.graph, takes_part);
  if (sites.empty()) return;
  const auto automatic = [&](const ScalingSite& site) {
    return stage_for(context.model.graph.nodes[site.readers[0]])->alpha == SmoothQuantStage::automatic;
  };
  const bool search = std::any_of(sites.begin(), sites.end(), automatic);
  const std::vector<SiteInput> inputs = InputCollector(context.model, sites, search).collect(context.samples);
  const std::vector<std::vector<std::string>> readers = reader_names(context.model.graph, sites);
  for (std::size_t index = 0; index < sites.size(); ++index) {
    find_readers(context.model.graph, readers[index], sites[index]);
    smooth(context, sites[index], inputs[index], stage_for(context.model.graph.nodes[sites[index].readers[0]])->alpha);
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
