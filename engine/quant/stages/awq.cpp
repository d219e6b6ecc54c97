// AWQ: input channels with large activations get finer weights: weights times s_j, activations divided by it, s_j = mean|x_j|^ratio with
// the ratio that loses least on the layer's output (algorithms B4; arXiv 2306.00978).
#include "engine/quant/stages/awq.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/scaling/site.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weights/input_moments.hpp"

namespace titrate::engine {
namespace {

constexpr int ratios = 20;
constexpr std::int64_t rows_in_all = 8192;
constexpr std::int64_t most_columns = 4096;
constexpr std::int64_t held_out_one_in = 5;

// What is seen of one reader's input, by group of channels; nothing where rows are too wide.
struct ReaderInput {
  std::vector<InputMoments> seen;
  std::vector<InputMoments> held_out;
};

std::vector<std::vector<ReaderInput>> collect(const Model& model, const std::vector<ScalingSite>& sites,
                                              const CalibrationSamples& samples) {
  std::vector<std::vector<ReaderInput>> inputs;
  for (const ScalingSite& site : sites) inputs.emplace_back(site.readers.size());
  const std::int64_t most = std::max<std::int64_t>(1, rows_in_all / std::max<std::int64_t>(samples.count, 1));
  observe_sites(model, sites, samples, [&](std::size_t index, std::int64_t sample, const Tensor& tensor) {
    const bool apart = samples.count >= held_out_one_in && sample % held_out_one_in == held_out_one_in - 1;
    for (std::size_t reader = 0; reader < sites[index].readers.size(); ++reader) {
      const Node& node = model.graph.nodes[sites[index].readers[reader]];
      const InputRows rows = input_rows(node, model.graph.constant_input(node, 1)->shape(), tensor, most);
      if (rows.columns > most_columns) continue;
      std::vector<InputMoments>& moments = apart ? inputs[index][reader].held_out : inputs[index][reader].seen;
      if (moments.empty()) moments.assign(static_cast<std::size_t>(rows.groups), InputMoments(rows.columns));
      for (std::int64_t group = 0; group < rows.groups; ++group) moments[static_cast<std::size_t>(group)].add(rows.group(group), {});
    }
  });
  return inputs;
}

// trace(D G D^T) over all readers, D the weights' error when they are rounded times the factors and divided again. The search for ratios
// and that for ranges are apart, as in the paper; what decides on held-out rows has both.
double error_of(const Graph& graph, const ScalingSite& site, const std::vector<ReaderInput>& inputs, const SchemeChooser& choose,
                std::span<const float> factors, bool held_out) {
  double total = 0;
  for (std::size_t reader = 0; reader < site.readers.size(); ++reader) {
    const auto& moments = held_out && !inputs[reader].held_out.empty() ? inputs[reader].held_out : inputs[reader].seen;
    const Node& node = graph.nodes[site.readers[reader]];
    const WeightMatrix weights = weight_matrix_of(graph, node);
    const Scheme& scheme = choose(node.name, node.type);
    RoundToNearest grid = implementation_of(scheme).solver->grid(implementation_of(scheme).effective(scheme, weights.columns));
    grid.search_clip = grid.search_clip && held_out;
    total += scaled_output_error(weights, moments, grid, factors);
  }
  return total;
}

// mean|x_j| over the taps of a channel.
std::vector<double> mean_magnitudes(const ScalingSite& site, std::span<const InputMoments> groups) {
  std::vector<double> means(static_cast<std::size_t>(site.channels));
  const std::size_t channels = means.size() / groups.size();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const InputMoments& moments = groups[group];
    const std::size_t taps = moments.magnitude.size() / channels;
    for (std::size_t column = 0; column < moments.magnitude.size(); ++column)
      means[group * channels + column / taps] += moments.magnitude[column] / static_cast<double>(moments.rows) / static_cast<double>(taps);
  }
  return means;
}

void scale(StageContext& context, const ScalingSite& site, const std::vector<ReaderInput>& inputs, const SchemeChooser& choose) {
  const Graph& graph = context.model.graph;
  std::vector<std::string> names;
  for (const std::size_t reader : site.readers) names.push_back(graph.nodes[reader].name);
  const auto say = [&](const std::string& what) {
    for (const std::string& name : names) context.remarks[name].push_back(what);
  };
  if (std::any_of(inputs.begin(), inputs.end(), [](const ReaderInput& input) { return input.seen.empty(); }))
    return say("not scaled: awq is for layers with at most 4096 inputs");
  const std::vector<double> magnitudes = mean_magnitudes(site, inputs[0].seen);
  const std::vector<float> unscaled(magnitudes.size(), 1.0F);
  std::vector<float> best = unscaled;
  double least = error_of(graph, site, inputs, choose, unscaled, false);
  for (int step = 1; step < ratios; ++step) {
    const std::vector<float> factors = awq_factors(magnitudes, static_cast<double>(step) / ratios);
    const double error = error_of(graph, site, inputs, choose, factors, false);
    if (!(error < least)) continue;
    least = error;
    best = factors;
  }
  if (best == unscaled) return say("not scaled: no ratio lost less");
  const double before = error_of(graph, site, inputs, choose, unscaled, true);
  const double after = error_of(graph, site, inputs, choose, best, true);
  if (!(after < before)) return say("not scaled: on held-out rows it lost no less");
  const auto where = scale_site(context.model, site, best, WithoutFold::insert_multiplication);
  if (!where) return say("not scaled: its weights would overflow");
  say(cat("inputs scaled through ", *where, ", output error ", shortest(std::round(100 * std::log10(before / after)) / 10),
          " dB below rounding to nearest on held-out rows"));
}

}  // namespace

std::vector<float> awq_factors(std::span<const double> magnitudes, double ratio) {
  std::vector<double> factors;
  for (const double magnitude : magnitudes) factors.push_back(std::max(std::pow(magnitude, ratio), 1e-4));
  const auto [least, most] = std::minmax_element(factors.begin(), factors.end());
  const double middle = std::sqrt(*least * *most);
  std::vector<float> result;
  for (const double factor : factors) result.push_back(static_cast<float>(factor / middle));
  return result;
}

double scaled_output_error(const WeightMatrix& weights, std::span<const InputMoments> groups, const RoundToNearest& grid,
                           std::span<const float> factors) {
  const auto columns = static_cast<std::size_t>(weights.columns);
  const std::size_t channels = factors.size() / groups.size();
  const std::size_t taps = columns / channels;
  const std::int64_t rows = weights.rows / std::ssize(groups);
  const auto factor_of = [&](std::size_t place) {
    return factors[place / columns / static_cast<std::size_t>(rows) * channels + place % columns / taps];
  };
  WeightMatrix scaled = weights;
  for (std::size_t place = 0; place < scaled.elements.size(); ++place) scaled.elements[place] *= factor_of(place);
  const QuantizedMatrix quantized = quantize_weights(scaled, grid);
  WeightMatrix difference = weights;
  for (std::size_t place = 0; place < scaled.elements.size(); ++place) {
    const float back = quantized.dequantized(static_cast<std::int64_t>(place / columns), static_cast<std::int64_t>(place % columns));
    difference.elements[place] -= back / factor_of(place);
  }
  double error = 0;
  for (std::int64_t group = 0; group < std::ssize(groups); ++group)
    error += output_energy({.target = rows_of(difference, group * rows, rows), .gram = groups[static_cast<std::size_t>(group)].gram});
  return error;
}

void scale_for_awq(StageContext& context) {
  const SchemeChooser choose(context.config);
  const auto takes_part = [&](const Node& node) { return std::holds_alternative<AwqScheme>(choose(node.name, node.type)); };
  std::vector<ScalingSite> sites = scaling_sites(context.model.graph, takes_part);
  if (sites.empty()) return;
  if (context.samples.count == 0) throw_invalid("awq needs calibration data", {}, "give samples of the model's inputs with --calibration");
  const std::vector<std::vector<ReaderInput>> inputs = collect(context.model, sites, context.samples);
  const std::vector<std::vector<std::string>> readers = reader_names(context.model.graph, sites);
  for (std::size_t index = 0; index < sites.size(); ++index) {
    find_readers(context.model.graph, readers[index], sites[index]);
    scale(context, sites[index], inputs[index], choose);
  }
  remove_unused(context.model.graph);
}

}  // namespace titrate::engine
