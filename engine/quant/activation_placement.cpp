#include "engine/quant/activation_placement.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/float8.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/integer_regions.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/observers/needed_statistics.hpp"

namespace titrate::engine {
namespace {

DataType integer_type(const StaticInt8Scheme& scheme) {
  switch (scheme.act) {
    case ActivationType::s8:
      return DataType::int8;
    case ActivationType::u16:
      return DataType::uint16;
    case ActivationType::s16:
      return DataType::int16;
    case ActivationType::u8:
      break;
  }
  return DataType::uint8;
}

IntegerRange integer_range(const StaticInt8Scheme& scheme) {
  const int bits = bits_of(integer_type(scheme));
  if (!is_signed_integer(integer_type(scheme))) return unsigned_range(bits);
  return scheme.act_sym ? narrow_range(bits) : signed_range(bits);
}

ActivationQuantizer integer_quantizer(const StaticInt8Scheme& scheme, ValueRange range) {
  ActivationQuantizer quantizer{.type = integer_type(scheme), .range = integer_range(scheme), .parameters = {}};
  if (!scheme.act_sym) {
    quantizer.parameters = asymmetric_parameters(range.low, range.high, quantizer.range);
    return quantizer;
  }
  const IntegerRange narrow = narrow_range(bits_of(quantizer.type));
  quantizer.parameters = symmetric_parameters(std::max(-range.low, range.high), narrow.most);
  if (!is_signed_integer(quantizer.type)) quantizer.parameters.zero_point = narrow.most + 1;
  return quantizer;
}

// A Relu or Clip before the quantizer changes nothing: whatever it would cut off, saturation cuts off.
bool makes_redundant(const ActivationQuantizer& quantizer, const ActivationBounds& bounds) {
  const auto steps = [&](float bound) {
    return std::nearbyint(static_cast<double>(bound) / static_cast<double>(quantizer.parameters.scale)) + quantizer.parameters.zero_point;
  };
  return steps(bounds.low) <= quantizer.range.least && steps(bounds.high) >= quantizer.range.most;
}

class IntegerPlacer {
 public:
  IntegerPlacer(const Graph& graph, const std::vector<Assignment>& assignments, const CalibrationStatistics& statistics,
                const Target& target)
      : graph_(graph),
        uses_(graph),
        assignments_(assignments),
        statistics_(statistics),
        regions_(find_integer_regions(graph, assignments, target)),
        target_(target),
        fixed_(regions_.fixed),
        bounds_(regions_.bounds) {}

  void place(ActivationPlacement& placement) {
    for (const auto& [value, assignment] : regions_.values) {
      leader_[value] = value;
      range_[value] = fixed_.contains(value) ? ValueRange{} : calibrated(value, scheme_of(value));
    }
    for (const std::vector<ValueId>& group : regions_.shared) unite(group);
    for (const std::vector<ValueId>& group : regions_.shareable) unite_if_free(group);
    for (const auto& [value, assignment] : regions_.values) {
      placement.quantized.emplace(value, quantizer_of(value));
      if (const std::string remark = demand(value); !remark.empty()) tell_readers(value, remark, placement);
    }
    for (const auto& [value, before] : regions_.before_activation) {
      const ActivationQuantizer& quantizer = placement.quantized.at(value);
      const auto bounds = bounds_before(value);
      if (bounds && !makes_redundant(quantizer, *bounds)) placement.before_activation.emplace(before, quantizer);
    }
  }

 private:
  const StaticInt8Scheme& scheme_of(ValueId value) const {
    return std::get<StaticInt8Scheme>(assignments_[regions_.values.at(value)].scheme);
  }

  ValueRange calibrated(ValueId value, const StaticInt8Scheme& scheme) const {
    const ValueStatistics& own = needed_statistics(graph_[value].name, statistics_);
    if (own.learned) return {.low = scheme.act_sym ? -own.learned->second : own.learned->first, .high = own.learned->second};
    const int codes = 1 << bits_of(integer_type(scheme));
    const CalibrationRequest request{
        .symmetric = scheme.act_sym, .levels = scheme.act_sym ? codes - 1 : codes, .percentile = scheme.percentile};
    return calibrator(scheme.calibrator).range(own, request);
  }

  ValueId leader(ValueId value) const {
    while (leader_.at(value) != value) value = leader_.at(value);
    return value;
  }

  ActivationQuantizer quantizer_of(ValueId value) const {
    const ValueId first = leader(value);
    ActivationQuantizer quantizer = integer_quantizer(scheme_of(first), range_.at(first));
    if (const auto fixed = fixed_.find(first); fixed != fixed_.end()) {
      quantizer.parameters = fixed->second;
    } else if (const auto bounds = bounds_.find(first); bounds != bounds_.end()) {
      quantizer = within(quantizer, range_.at(first), bounds->second);
    }
    return quantizer;
  }

  // The range that codes with this scale cover is another than the data asked for; 0 stays where it is.
  static ActivationQuantizer within(ActivationQuantizer quantizer, const ValueRange& range, const ScaleBounds& bounds) {
    AffineParameters& parameters = quantizer.parameters;
    const float scale = std::min(std::max(parameters.scale, bounds.least), bounds.most);
    const bool middle = parameters.zero_point == 0 || parameters.zero_point == 128;
    if (scale != parameters.scale && !middle) {
      const double steps = std::nearbyint(-static_cast<double>(range.low) / static_cast<double>(scale)) + quantizer.range.least;
      parameters.zero_point = static_cast<std::int32_t>(std::clamp<double>(steps, quantizer.range.least, quantizer.range.most));
    }
    parameters.scale = scale;
    return quantizer;
  }

  // What the target demands of a value's parameters that the data do not; "" if nothing.
  std::string demand(ValueId value) const {
    const ValueId first = leader(value);
    if (fixed_.contains(first)) {
      return cat("the target ", target_.name, " fixes the scale of '", visible(graph_[value].name), "' at ",
                 shortest(static_cast<double>(fixed_.at(first).scale)), outside_fixed(first) ? ": larger values saturate" : "");
    }
    if (!bounds_.contains(first)) return {};
    const float wanted = integer_quantizer(scheme_of(first), range_.at(first)).parameters.scale;
    const float got = quantizer_of(value).parameters.scale;
    if (got == wanted) return {};
    return cat("the target ", target_.name, " bounds the scale of '", visible(graph_[value].name), "' to ",
               shortest(static_cast<double>(got)), got < wanted ? ": larger values saturate" : "");
  }

  bool outside_fixed(ValueId first) const {
    const ActivationQuantizer quantizer = quantizer_of(first);
    return range_.at(first).low < dequantize(quantizer.range.least, quantizer.parameters) ||
           range_.at(first).high > dequantize(quantizer.range.most, quantizer.parameters);
  }

  void tell_readers(ValueId value, const std::string& remark, ActivationPlacement& placement) const {
    for (const int reader : uses_.readers(value)) {
      std::string& remarks = placement.remarks[graph_.nodes[static_cast<std::size_t>(reader)].name];
      remarks += cat(remarks.empty() ? "" : "; ", remark);
    }
  }

  void unite(const std::vector<ValueId>& group) {
    for (std::size_t index = 1; index < group.size(); ++index) {
      const ValueId into = leader(group[0]);
      const ValueId from = leader(group[index]);
      if (into == from) continue;
      range_[into] = {std::min(range_[into].low, range_[from].low), std::max(range_[into].high, range_[from].high)};
      leader_[from] = into;
      // What is fixed for one is fixed for all, and all bounds hold.
      if (const auto fixed = fixed_.find(from); fixed != fixed_.end()) fixed_.emplace(into, fixed->second);
      if (const auto bounds = bounds_.find(from); bounds != bounds_.end()) {
        ScaleBounds& both = bounds_[into];
        both = {std::max(both.least, bounds->second.least), std::min(both.most, bounds->second.most)};
      }
    }
  }

  std::optional<ActivationBounds> bounds_before(ValueId value) const {
    const int producer = uses_.producer(value);
    return producer < 0 ? std::nullopt : activation_bounds(graph_, graph_.nodes[static_cast<std::size_t>(producer)]);
  }

  // Everything that shares parameters with one of these already.
  std::vector<ValueId> united_with(const std::vector<ValueId>& group) const {
    std::set<ValueId> leaders;
    for (const ValueId value : group) leaders.insert(leader(value));
    std::vector<ValueId> all;
    for (const auto& [value, next] : leader_) {
      if (leaders.contains(leader(value))) all.push_back(value);
    }
    return all;
  }

  // Equal scales make a Concat a copy and save one rounding; not if a Relu that was free would then have to be computed.
  void unite_if_free(const std::vector<ValueId>& group) {
    ValueRange whole{};
    for (const ValueId value : group) {
      const ValueRange& range = range_.at(leader(value));
      whole = {std::min(whole.low, range.low), std::max(whole.high, range.high)};
    }
    for (const ValueId value : united_with(group)) {
      if (fixed_.contains(leader(value))) return;
      const auto bounds = bounds_before(value);
      if (bounds && makes_redundant(quantizer_of(value), *bounds) && !makes_redundant(integer_quantizer(scheme_of(value), whole), *bounds))
        return;
      if (scheme_of(value) != scheme_of(group[0])) return;
    }
    unite(group);
  }

  const Graph& graph_;
  Uses uses_;
  const std::vector<Assignment>& assignments_;
  const CalibrationStatistics& statistics_;
  IntegerRegions regions_;
  const Target& target_;
  std::map<ValueId, AffineParameters> fixed_;  // by leader
  std::map<ValueId, ScaleBounds> bounds_;      // by leader
  std::map<ValueId, ValueId> leader_;
  std::map<ValueId, ValueRange> range_;
};

// ONNX Runtime on x86 turns int8 activations into uint8 by itself, but not those that several nodes read: their nodes would stay float
// there. With a zero point that is 128 higher, uint8 says the same numbers.
void shift_shared_values(const Graph& graph, const Target& target, ActivationPlacement& placement) {
  const Pattern* pattern = target.integer_pattern("Conv");
  const bool takes_it = pattern != nullptr && pattern->input.takes(DataType::uint8) && !pattern->input.symmetric;
  if (!target.onnxruntime || !takes_it) return;
  const Uses uses(graph);
  for (auto& [value, quantizer] : placement.quantized) {
    if (quantizer.type != DataType::int8 || uses.readers(value).size() < 2) continue;
    constexpr int shift = 128;
    quantizer.type = DataType::uint8;
    quantizer.parameters.zero_point += shift;
    quantizer.range = {quantizer.range.least + shift, quantizer.range.most + shift};
    for (const int reader : uses.readers(value)) {
      placement.remarks[graph.nodes[static_cast<std::size_t>(reader)].name] =
          "its input has several readers: int8 codes are stored as uint8 with a zero point 128 higher";
    }
  }
}

// FP8 arithmetic is not what runtimes on CPUs do: only the inputs of the nodes are rounded.
void place_float8(const Graph& graph, const std::vector<Assignment>& assignments, const CalibrationStatistics& statistics,
                  ActivationPlacement& placement) {
  for (const Assignment& assignment : assignments) {
    const auto* scheme = std::get_if<Fp8Scheme>(&assignment.scheme);
    if (scheme == nullptr || scheme->weights_only || scheme->format == Float8Format::e3m4) continue;
    const ValueId input = graph.nodes[assignment.node].inputs[0];
    if (graph.constant(input) != nullptr || placement.quantized.contains(input)) continue;
    const CalibrationRequest request{.symmetric = true, .levels = 255, .percentile = 99.99};
    const ValueRange range = calibrator(scheme->calibrator).range(needed_statistics(graph[input].name, statistics), request);
    const SmallFloat& format = scheme->format == Float8Format::e4m3 ? float8e4m3fn : float8e5m2;
    const float scale = symmetric_parameters(std::max(-range.low, range.high), 1).scale / format.largest;
    placement.quantized.emplace(
        input, ActivationQuantizer{.type = scheme->format == Float8Format::e4m3 ? DataType::float8e4m3fn : DataType::float8e5m2,
                                   .range = {},
                                   .parameters = symmetric_parameters(scale, 1)});
  }
}

// NVFP4 rounds inputs in their own blocks; only the scale of the whole comes from calibration.
void place_nvfp4(const Graph& graph, const std::vector<Assignment>& assignments, const CalibrationStatistics& statistics,
                 ActivationPlacement& placement) {
  for (const Assignment& assignment : assignments) {
    const auto* scheme = std::get_if<Nvfp4Scheme>(&assignment.scheme);
    const ValueId input = graph.nodes[assignment.node].inputs[0];
    if (scheme == nullptr || scheme->weights_only || graph.constant(input) != nullptr) continue;
    const ValueRange range = calibrator(CalibratorKind::minmax).range(needed_statistics(graph[input].name, statistics), {});
    placement.largest_magnitudes.emplace(input, std::max(-range.low, range.high));
  }
}

}  // namespace

std::set<std::string> observed_values(const Graph& graph, const Target& target) {
  std::set<std::string> names;
  for (const ValueId id : possible_integers(graph, target)) {
    if (graph.constant(id) == nullptr) names.insert(graph[id].name);
  }
  return names;
}

ActivationPlacement place_activations(const Graph& graph, const std::vector<Assignment>& assignments,
                                      const CalibrationStatistics& statistics, const Target& target) {
  ActivationPlacement placement;
  IntegerPlacer(graph, assignments, statistics, target).place(placement);
  shift_shared_values(graph, target, placement);
  place_float8(graph, assignments, statistics, placement);
  place_nvfp4(graph, assignments, statistics, placement);
  return placement;
}

}  // namespace titrate::engine
