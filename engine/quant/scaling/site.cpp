#include "engine/quant/scaling/site.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/base/text.hpp"
#include "engine/quant/scaling/fold.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

struct Channels {
  std::int64_t count;
  std::int64_t axis;
};

// Of the input of a layer; nothing where its rank is not known.
std::optional<Channels> channels_of(const Graph& graph, const Node& node) {
  if (node.type == "Gemm" && node.integer("transA", 0) != 0) return std::nullopt;
  const Shape& shape = graph.constant_input(node, 1)->shape();
  if (node.type == "Conv") return Channels{shape[1] * node.integer("group", 1), 1};
  const auto& info = graph[node.inputs[0]].info;
  if (!info || !info->shape || info->shape->empty()) return std::nullopt;
  const bool rows_first = node.type == "Gemm" && node.integer("transB", 0) != 0;
  return Channels{shape[rows_first ? 1 : 0], static_cast<std::int64_t>(info->shape->size()) - 1};
}

void multiply_before(Model& model, const ScalingSite& site, std::span<const float> factors, NameSource& names) {
  Graph& graph = model.graph;
  const std::string name = graph[site.input].name;
  const auto rank =
      static_cast<std::int64_t>(graph[site.input].info && graph[site.input].info->shape ? graph[site.input].info->shape->size() : 0);
  Shape shape(static_cast<std::size_t>(std::max(rank, site.axis + 1) - site.axis), 1);
  shape[0] = site.channels;
  const auto info = graph[site.input].info;
  const ValueId constant =
      graph.add_constant(names.value(name + "_factors"), Tensor::of<float>(shape, std::vector<float>(factors.begin(), factors.end())));
  const ValueId product = graph.add_value(names.value(name + "_smoothed"), info);
  Node node;
  node.name = names.node(name + "_smoothing");
  node.type = "Mul";
  node.inputs = {site.input, constant};
  node.outputs = {product};
  graph.nodes.push_back(std::move(node));
  for (const std::size_t reader : site.readers) graph.nodes[reader].inputs[0] = product;
  sort_nodes(graph);
}

// Weights near the end of float's range may not be multiplied.
bool stays_finite(const Graph& graph, const ScalingSite& site, std::span<const float> factors) {
  for (const std::size_t reader : site.readers) {
    const std::vector<float> largest = largest_by_input_channel(graph, graph.nodes[reader]);
    for (std::size_t channel = 0; channel < largest.size(); ++channel) {
      if (!std::isfinite(largest[channel] * factors[channel])) return false;
    }
  }
  return true;
}

}  // namespace

std::vector<ScalingSite> scaling_sites(const Graph& graph, const std::function<bool(const Node&)>& takes_part) {
  const Uses uses(graph);
  std::vector<ScalingSite> sites;
  std::map<std::pair<ValueId, std::int64_t>, std::size_t> known;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    if (!takes_part(node) || weight_refusal(graph, node) || graph.constant(node.inputs[0]) != nullptr) continue;
    const auto channels = channels_of(graph, node);
    if (!channels) continue;
    const auto [place, added] = known.try_emplace({node.inputs[0], channels->axis}, sites.size());
    if (added) sites.push_back({.input = node.inputs[0], .channels = channels->count, .axis = channels->axis, .readers = {}});
    sites[place->second].readers.push_back(index);
  }
  for (ScalingSite& site : sites) site.alone = !uses.is_output(site.input) && uses.readers(site.input).size() == site.readers.size();
  return sites;
}

std::vector<float> largest_by_input_channel(const Graph& graph, const Node& node) {
  const WeightMatrix weights = weight_matrix_of(graph, node);
  const Shape& shape = graph.constant_input(node, 1)->shape();
  const bool convolution = node.type == "Conv";
  const std::int64_t groups = convolution ? node.integer("group", 1) : 1;
  const std::int64_t channels = convolution ? shape[1] : weights.columns;
  const std::int64_t taps = weights.columns / channels;
  std::vector<float> largest(static_cast<std::size_t>(groups * channels));
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const std::int64_t first = row / (weights.rows / groups) * channels;
    for (std::int64_t column = 0; column < weights.columns; ++column) {
      float& own = largest[static_cast<std::size_t>(first + column / taps)];
      own = std::max(own, std::fabs(weights.row(row)[static_cast<std::size_t>(column)]));
    }
  }
  return largest;
}

void observe_sites(const Model& model, const std::vector<ScalingSite>& sites, const CalibrationSamples& samples,
                   const std::function<void(std::size_t, std::int64_t, const Tensor&)>& see) {
  Model probe = model;
  probe.graph.outputs.clear();
  std::vector<std::size_t> output_of;
  for (const ScalingSite& site : sites) {
    const auto known = std::find(probe.graph.outputs.begin(), probe.graph.outputs.end(), site.input);
    output_of.push_back(static_cast<std::size_t>(known - probe.graph.outputs.begin()));
    if (known == probe.graph.outputs.end()) probe.graph.outputs.push_back(site.input);
  }
  remove_unused(probe.graph);
  samples.run(probe, samples.count, samples.feed, [&](std::int64_t sample, const std::vector<Tensor>& outputs) {
    for (std::size_t index = 0; index < sites.size(); ++index) see(index, sample, outputs[output_of[index]]);
  });
}

std::vector<std::vector<std::string>> reader_names(const Graph& graph, const std::vector<ScalingSite>& sites) {
  std::vector<std::vector<std::string>> names;
  for (const ScalingSite& site : sites) {
    names.emplace_back();
    for (const std::size_t reader : site.readers) names.back().push_back(graph.nodes[reader].name);
  }
  return names;
}

void find_readers(const Graph& graph, const std::vector<std::string>& names, ScalingSite& site) {
  for (std::size_t reader = 0; reader < names.size(); ++reader) {
    const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.name == names[reader]; });
    site.readers[reader] = static_cast<std::size_t>(found - graph.nodes.begin());
  }
}

std::optional<std::string> scale_site(Model& model, const ScalingSite& site, std::span<const float> factors, WithoutFold otherwise) {
  Graph& graph = model.graph;
  NameSource names(graph);
  std::vector<float> inverse(factors.begin(), factors.end());
  std::transform(inverse.begin(), inverse.end(), inverse.begin(), [](float factor) { return 1 / factor; });
  const auto fold = site.alone ? find_fold(graph, Uses(graph), site.input, site.axis) : std::nullopt;
  if (!fold && otherwise == WithoutFold::leave) return std::nullopt;
  if (!stays_finite(graph, site, factors)) return std::nullopt;
  for (const std::size_t reader : site.readers) scale_input_channels(graph, names, reader, factors);
  if (!fold) {
    multiply_before(model, site, inverse, names);
    return "a Mul of its own";
  }
  fold_into(graph, names, *fold, inverse);
  const Node& producer = graph.nodes[fold->producer];
  return cat(producer.type, " '", producer.name, "'");
}

}  // namespace titrate::engine
