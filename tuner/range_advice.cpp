#include "tuner/range_advice.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "engine/base/text.hpp"
#include "engine/quant/absorb_bias.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/integer_regions.hpp"

namespace titrate {
namespace {

using engine::ComparedLayer;
using engine::QuantizedRead;
using engine::ValueRange;

struct CalibratorChoice {
  CalibratorKind kind;
  double percentile;
};

// What is advised, in the order of preference where several do as well.
constexpr std::array choices = {CalibratorChoice{CalibratorKind::minmax, 99.99}, CalibratorChoice{CalibratorKind::percentile, 99.99},
                                CalibratorChoice{CalibratorKind::percentile, 99.9}, CalibratorChoice{CalibratorKind::mse, 99.99},
                                CalibratorChoice{CalibratorKind::entropy, 99.99}};
// What is recognized in a file.
constexpr std::array known = {choices[0],
                              choices[1],
                              choices[2],
                              choices[3],
                              choices[4],
                              CalibratorChoice{CalibratorKind::percentile, 99},
                              CalibratorChoice{CalibratorKind::percentile, 95}};
// A later choice must leave this much less.
constexpr double clearly = 0.95;
// A config that names more layers that stay float tells nobody anything.
constexpr std::size_t most_overrides = 8;

bool is_symmetric(const QuantizedRead& read) {
  const double step = (static_cast<double>(read.high) - static_cast<double>(read.low)) / 255;
  // As many codes below zero as above, but for one.
  return std::fabs(static_cast<double>(read.high) + static_cast<double>(read.low)) < 1.5 * step;
}

bool is_plain(const QuantizedRead& read) {
  return engine::is_integer(read.type) && engine::bits_of(read.type) == 8 && std::isfinite(read.low) && read.high > read.low;
}

ValueRange range_for(const ActivationTally& seen, const CalibratorChoice& choice, bool symmetric) {
  engine::ValueStatistics statistics;
  statistics.low = seen.low;
  statistics.high = seen.high;
  statistics.samples = 1;
  statistics.histogram = *seen.histogram;
  ValueRange range = engine::calibrator(choice.kind)
                         .range(statistics, {.symmetric = symmetric, .levels = symmetric ? 255 : 256, .percentile = choice.percentile});
  const float most = std::max(-range.low, range.high);
  return symmetric ? ValueRange{-most, most} : range;
}

// Squared errors of all numbers with 256 codes over a range.
struct RangeErrors {
  double clipping = 0;
  double rounding = 0;
};

RangeErrors errors_of(const engine::StreamingHistogram& histogram, const ValueRange& range) {
  RangeErrors errors;
  const double step = (static_cast<double>(range.high) - static_cast<double>(range.low)) / 255;
  const auto add = [&](double value, double count) {
    const double outside = std::max({0.0, value - static_cast<double>(range.high), static_cast<double>(range.low) - value});
    if (outside > step / 2) {
      errors.clipping += count * outside * outside;
    } else {
      // What lies nearer to 0 than half a step becomes 0.
      errors.rounding += count * std::min(step * step / 12, value * value);
    }
  };
  for (std::size_t bin = 0; bin < histogram.positive().size(); ++bin) {
    const double middle = (static_cast<double>(bin) + 0.5) * histogram.width();
    if (histogram.positive()[bin] > 0) add(middle, static_cast<double>(histogram.positive()[bin]));
    if (histogram.negative()[bin] > 0) add(-middle, static_cast<double>(histogram.negative()[bin]));
  }
  return errors;
}

std::string name_of(const CalibratorChoice& choice) {
  const std::string name(engine::calibrator(choice.kind).name);
  return choice.kind == CalibratorKind::percentile ? cat(name, ", percentile=", shortest(choice.percentile)) : name;
}

StaticInt8Scheme with(StaticInt8Scheme scheme, const CalibratorChoice& choice) {
  scheme.calibrator = choice.kind;
  scheme.percentile = choice.percentile;
  return scheme;
}

// How far apart two ranges are: of their ends' logarithms, those that are not 0.
double distance(const ValueRange& left, const QuantizedRead& right) {
  double sum = 0;
  const auto add = [&](float own, float other) {
    if (own != 0 && other != 0) sum += std::fabs(std::log(static_cast<double>(own) / static_cast<double>(other)));
  };
  add(left.low, right.low);
  add(left.high, right.high);
  return std::isfinite(sum) ? sum : 0;
}

}  // namespace

RangeAdviser::RangeAdviser(const ComparedModels& models, const Measurements& measured) : models_(models), measured_(measured) {
  find_config();
  find_owners();
}

// The weights' scales and zero points tell their granularity.
StaticInt8Scheme RangeAdviser::stored_scheme(const ComparedLayer& layer) const {
  const engine::Graph& graph = models_.quantized.graph;
  StaticInt8Scheme scheme;
  const QuantizedRead& read = layer.activations.front();
  scheme.act = engine::is_signed_integer(read.type) ? ActivationType::s8 : ActivationType::u8;
  scheme.act_sym = is_symmetric(read);
  if (!layer.weights) return scheme;
  const engine::Uses uses(graph);
  engine::ValueId value = graph.nodes[layer.node].inputs[layer.weights->input];
  while (uses.producer(value) >= 0) {
    const engine::Node& node = graph.nodes[static_cast<std::size_t>(uses.producer(value))];
    if (node.type != "DequantizeLinear") {
      value = node.inputs[0];
      continue;
    }
    const engine::Tensor* scale = graph.constant_input(node, 1);
    const engine::Tensor* zero_point = graph.constant_input(node, 2);
    scheme.per_channel = scale != nullptr && scale->elements() > 1;
    scheme.weight_sym =
        zero_point == nullptr || std::ranges::all_of(engine::to_doubles(*zero_point), [](double each) { return each == 0; });
    break;
  }
  return scheme;
}

void RangeAdviser::find_config() {
  if (!models_.match.unmatched.empty()) return;
  std::map<std::string, std::pair<int, StaticInt8Scheme>> votes;
  std::array<double, known.size()> distances{};
  for (std::size_t index = 0; index < models_.match.layers.size(); ++index) {
    const ComparedLayer& layer = models_.match.layers[index];
    if (layer.activations.empty() || !std::ranges::all_of(layer.activations, is_plain)) return;
    for (std::size_t read = 0; read < layer.activations.size(); ++read) {
      const ActivationTally& seen = measured_.layers[index].activations[read];
      if (seen.count == 0 || !seen.histogram) continue;
      for (std::size_t choice = 0; choice < known.size(); ++choice)
        distances[choice] += distance(range_for(seen, known[choice], is_symmetric(layer.activations[read])), layer.activations[read]);
    }
    if (!layer.weights) continue;
    const StaticInt8Scheme stored = stored_scheme(layer);
    auto& [count, scheme] = votes[to_text(Scheme(stored))];
    ++count;
    scheme = stored;
  }
  if (votes.empty()) return;
  const auto most = std::ranges::max_element(votes, {}, [](const auto& each) { return each.second.first; });
  const auto nearest = static_cast<std::size_t>(std::ranges::min_element(distances) - distances.begin());
  config_ = Config{.scheme = with(most->second.second, known[nearest])};
  // Layers that could be quantized and are not.
  std::set<std::string> quantized;
  for (const ComparedLayer& layer : models_.match.layers) quantized.insert(layer.name);
  const engine::Graph& graph = models_.reference.graph;
  for (const engine::Assignment& assignment : engine::assign(graph, *config_)) {
    const std::string& name = graph.nodes[assignment.node].name;
    if (!std::holds_alternative<FloatScheme>(assignment.scheme) && !quantized.contains(name))
      config_->overrides.push_back({.kind = Override::Kind::name, .pattern = name, .scheme = FloatScheme{}});
  }
  if (config_->overrides.size() > most_overrides) config_.reset();
}

// As a conversion decides it.
void RangeAdviser::find_owners() {
  const Config config = config_.value_or(Config{.scheme = StaticInt8Scheme{}});
  engine::Model model = models_.reference;
  engine::absorb_bias(model, config, engine::default_target());
  const std::vector<engine::Assignment> assignments = engine::assign(model.graph, config);
  for (const auto& [value, owner] : engine::find_integer_regions(model.graph, assignments, engine::default_target()).values)
    owners_.emplace(model.graph[value].name, model.graph.nodes[assignments[owner].node].name);
}

std::string RangeAdviser::owner_of(const QuantizedRead& read) const {
  const auto name = models_.match.float_values.find(read.source);
  const auto owner = name == models_.match.float_values.end() ? owners_.end() : owners_.find(name->second);
  return owner == owners_.end() ? std::string() : owner->second;
}

std::optional<RangeChoice> RangeAdviser::best_for(std::size_t layer, double clipping, double rounding) const {
  const ComparedLayer& compared = models_.match.layers[layer];
  if (compared.activations.size() != 1 || !is_plain(compared.activations[0])) return std::nullopt;
  const QuantizedRead& read = compared.activations[0];
  const ActivationTally& seen = measured_.layers[layer].activations[0];
  if (seen.count == 0 || !seen.histogram) return std::nullopt;
  const RangeErrors now = errors_of(*seen.histogram, {read.low, read.high});
  if (!(now.rounding > 0)) return std::nullopt;
  const bool clips = clipping > 0 && now.clipping > 0;
  std::optional<RangeChoice> best;
  CalibratorChoice chosen = choices[0];
  for (const CalibratorChoice& choice : choices) {
    const ValueRange range = range_for(seen, choice, is_symmetric(read));
    if (!(range.high > range.low)) continue;
    const RangeErrors errors = errors_of(*seen.histogram, range);
    const double left =
        errors.clipping * (clips ? clipping / now.clipping : rounding / now.rounding) + errors.rounding * rounding / now.rounding;
    if (best && !(left < clearly * best->left)) continue;
    best = {.range = range, .calibrator = name_of(choice), .left = left, .override_text = {}, .config = {}};
    chosen = choice;
  }
  const std::string owner = owner_of(read);
  if (!best || owner.empty()) return best;
  const StaticInt8Scheme base = config_ ? std::get<StaticInt8Scheme>(config_->scheme) : stored_scheme(compared);
  const Override own{.kind = Override::Kind::name, .pattern = owner, .scheme = with(base, chosen)};
  const std::string alone = to_text(Config{.scheme = FloatScheme{}, .overrides = {own}});
  best->override_text = alone.substr(alone.find(" | ") + 3);
  if (!config_) return best;
  Config whole = *config_;
  std::erase_if(whole.overrides, [&](const Override& each) { return each.pattern == owner; });
  whole.overrides.push_back(own);
  best->config = to_text(whole);
  return best;
}

}  // namespace titrate
