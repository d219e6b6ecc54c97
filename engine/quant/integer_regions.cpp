#include "engine/quant/integer_regions.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

class RegionFinder {
 public:
  RegionFinder(const Graph& graph, const std::vector<Assignment>& assignments, const Target& target)
      : graph_(graph), uses_(graph), assignments_(assignments), target_(target), candidate_(graph.nodes.size()) {
    for (std::size_t index = 0; index < assignments.size(); ++index) {
      const bool computes = !is_lookup(graph.nodes[assignments[index].node]);  // a table is stored in 8 bits, and that is all
      if (computes && std::holds_alternative<StaticInt8Scheme>(assignments[index].scheme))
        weighted_.emplace(assignments[index].node, index);
    }
  }

  // What mark_weighted() and spread_marks() could mark.
  std::set<ValueId> possible() const {
    std::set<ValueId> values;
    for (std::size_t node = 0; node < graph_.nodes.size(); ++node) {
      const Node& each = graph_.nodes[node];
      if (!each.has_output(0) || !(may_be_weighted(each) || rule_of(node))) continue;
      for (const ValueId input : data_inputs(each)) values.insert(input);
      values.insert(result_of(node));
      values.insert(each.outputs.begin() + 1, each.outputs.end());
      if (each.type == "MatMul") values.insert(each.outputs[0]);  // a corrected bias is an Add between it and what belongs to it
    }
    values.erase(ValueId::none);
    return values;
  }

  IntegerRegions find() {
    choose_candidates();
    for (const auto& [node, assignment] : weighted_) mark_weighted(node, assignment);
    spread_marks();
    collect_sharing();
    collect_demands();
    return std::move(regions_);
  }

 private:
  static bool may_be_weighted(const Node& node) { return node.type == "Conv" || node.type == "Gemm" || node.type == "MatMul"; }

  std::optional<IntegerRule> rule_of(std::size_t node) const { return integer_rule(target_, graph_, graph_.nodes[node]); }

  // The node that alone reads a node's output; null: there are several, or none.
  const Node* only_reader(std::size_t node) const {
    const ValueId output = graph_.nodes[node].outputs[0];
    if (uses_.is_output(output) || uses_.readers(output).size() != 1) return nullptr;
    return &graph_.nodes[static_cast<std::size_t>(uses_.readers(output)[0])];
  }

  // The pattern of a node with the one behind it; null: the target has none.
  const Pattern* sequence_at(std::size_t node) const {
    const Node* reader = only_reader(node);
    if (reader == nullptr || !reader->domain.empty() || !graph_.nodes[node].domain.empty()) return nullptr;
    return target_.integer_pattern(graph_.nodes[node].type, reader->type);
  }

  // The value that a quantizer behind the node would see: the output of a Relu or Clip that belongs to it, else the output itself.
  ValueId result_of(std::size_t node) const {
    const ValueId output = graph_.nodes[node].outputs[0];
    const Pattern* sequence = sequence_at(node);
    if (sequence == nullptr || sequence->fusion == Fusion::never) return output;
    const Node& reader = *only_reader(node);
    const bool constants = std::all_of(reader.inputs.begin() + 1, reader.inputs.end(),
                                       [&](ValueId id) { return id == ValueId::none || graph_.constant(id) != nullptr; });
    const bool fits = sequence->fusion == Fusion::always ? reader.inputs[0] == output && constants && reader.outputs.size() == 1
                                                         : activation_bounds(graph_, reader).has_value();
    return fits ? reader.outputs[0] : output;
  }

  // The node that makes a value, looking through Relu and Clip that belong to it.
  std::optional<std::size_t> source_of(ValueId value) const {
    const int producer = uses_.producer(value);
    if (producer < 0) return std::nullopt;
    const Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    const int before = node.inputs.empty() ? -1 : uses_.producer(node.inputs[0]);
    if (before >= 0 && result_of(static_cast<std::size_t>(before)) == value) return static_cast<std::size_t>(before);
    return static_cast<std::size_t>(producer);
  }

  // The input of an addition that stays in the accumulator of the weighted node before it, where the target adds residuals so.
  std::optional<ValueId> accumulated(std::size_t node) const {
    const Pattern* pattern = target_.integer_pattern(graph_.nodes[node].type);
    if (pattern == nullptr || !pattern->residual || graph_.nodes[node].inputs.size() != 2) return std::nullopt;
    for (const ValueId input : graph_.nodes[node].inputs) {
      const int producer = uses_.producer(input);
      const bool alone = !uses_.is_output(input) && uses_.readers(input).size() == 1;
      if (producer >= 0 && alone && weighted_.contains(static_cast<std::size_t>(producer))) return input;
    }
    return std::nullopt;
  }

  // The inputs that have a quantizer in front.
  std::vector<ValueId> quantized_inputs(std::size_t node) const {
    std::vector<ValueId> inputs = data_inputs(graph_.nodes[node]);
    if (const auto kept = accumulated(node)) std::erase(inputs, *kept);
    return inputs;
  }

  // The target takes the codes that the assignments make at this operator.
  bool takes_codes(std::size_t node) const {
    const Pattern* pattern = target_.integer_pattern(graph_.nodes[node].type);
    return std::all_of(weighted_.begin(), weighted_.end(), [&](const auto& each) {
      const auto& scheme = std::get<StaticInt8Scheme>(assignments_[each.second].scheme);
      const DataType type = scheme.act == ActivationType::u8 ? DataType::uint8 : DataType::int8;
      return pattern->input.takes(type) && pattern->output.takes(type) && (scheme.act_sym || !pattern->input.symmetric);
    });
  }

  bool is_integer(std::size_t node) const { return weighted_.contains(node) || candidate_[node]; }

  // An operator between integer nodes stays integer if all it reads can be integers and somebody wants integers from it. Start with all and
  // take out what fails until nothing changes: the largest set in which every member has its reasons.
  void choose_candidates() {
    for (std::size_t node = 0; node < candidate_.size(); ++node) candidate_[node] = rule_of(node) && takes_codes(node);
    bool changed = true;
    while (changed) {
      changed = false;
      for (std::size_t node = 0; node < candidate_.size(); ++node) {
        if (!candidate_[node] || (inputs_fit(node) && output_is_wanted(node))) continue;
        candidate_[node] = false;
        changed = true;
      }
    }
  }

  bool inputs_fit(std::size_t node) const {
    const std::vector<ValueId> inputs = quantized_inputs(node);
    const Pattern* pattern = target_.integer_pattern(graph_.nodes[node].type);
    if (pattern->residual && !accumulated(node)) return false;
    // One input: quantizing before or behind the node is the same, so it may come from anywhere.
    if (inputs.size() == 1 && rule_of(node) == IntegerRule::pass_through) return true;
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      const auto source = source_of(input);
      return !source || is_integer(*source);
    });
  }

  bool output_is_wanted(std::size_t node) const {
    const std::vector<ValueId>& outputs = graph_.nodes[node].outputs;
    if (std::any_of(outputs.begin(), outputs.end(), [&](ValueId id) { return id != ValueId::none && uses_.is_output(id); })) return false;
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      if (outputs[index] == ValueId::none) continue;
      const ValueId result = index == 0 ? result_of(node) : outputs[index];
      if (uses_.is_output(result)) return false;
      const auto& readers = uses_.readers(result);
      if (std::any_of(readers.begin(), readers.end(), [&](int reader) { return is_integer(static_cast<std::size_t>(reader)); }))
        return true;
    }
    return false;
  }

  void mark(ValueId value, std::size_t assignment) { regions_.values.emplace(value, assignment); }

  void mark_result(std::size_t node, std::size_t assignment) {
    const ValueId result = result_of(node);
    mark(result, assignment);
    if (result != graph_.nodes[node].outputs[0] && sequence_at(node)->fusion == Fusion::if_redundant)
      regions_.before_activation.emplace(result, graph_.nodes[node].outputs[0]);
  }

  void mark_weighted(std::size_t node, std::size_t assignment) {
    mark(graph_.nodes[node].inputs[0], assignment);
    const ValueId result = result_of(node);
    const auto& readers = uses_.readers(result);
    const bool wanted = std::any_of(readers.begin(), readers.end(), [&](int reader) {
      return is_integer(static_cast<std::size_t>(reader)) && accumulated(static_cast<std::size_t>(reader)) != result;
    });
    if (wanted || needs_quantizer_behind(node)) mark_result(node, assignment);
  }

  // ONNX Runtime's convolution gives codes only; and it makes a float Gemm of MatMul + Add, unless a quantizer stands between.
  bool needs_quantizer_behind(std::size_t node) const {
    const Pattern* alone = target_.integer_pattern(graph_.nodes[node].type);
    if (alone != nullptr && alone->output_quantized_always) return true;
    const auto& readers = uses_.readers(graph_.nodes[node].outputs[0]);
    if (readers.size() != 1) return false;
    const Node& reader = graph_.nodes[static_cast<std::size_t>(readers[0])];
    const Pattern* sequence = target_.integer_pattern(graph_.nodes[node].type, reader.type);
    return sequence != nullptr && sequence->output_quantized_always;
  }

  // Candidates read and write quantized values; the scheme comes from the neighbour that is marked already.
  void spread_marks() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (std::size_t node = 0; node < candidate_.size(); ++node) {
        if (!candidate_[node]) continue;
        const std::size_t before = regions_.values.size();
        spread_through(node);
        changed = changed || regions_.values.size() != before;
      }
    }
  }

  void spread_through(std::size_t node) {
    std::vector<ValueId> around = quantized_inputs(node);
    around.push_back(result_of(node));
    for (std::size_t index = 1; index < graph_.nodes[node].outputs.size(); ++index) around.push_back(graph_.nodes[node].outputs[index]);
    const auto known = std::find_if(around.begin(), around.end(), [&](ValueId id) { return regions_.values.contains(id); });
    if (known == around.end()) return;
    const std::size_t assignment = regions_.values.at(*known);
    for (const ValueId id : around) {
      if (id != ValueId::none) mark(id, assignment);
    }
    mark_result(node, assignment);
  }

  void collect_sharing() {
    for (std::size_t node = 0; node < candidate_.size(); ++node) {
      if (!candidate_[node] || !regions_.values.contains(result_of(node))) continue;
      const IntegerRule rule = *rule_of(node);
      std::vector<ValueId> group = data_inputs(graph_.nodes[node]);
      if (rule == IntegerRule::pass_through) {
        for (const ValueId output : graph_.nodes[node].outputs) {
          if (output != ValueId::none) group.push_back(output);
        }
        regions_.shared.push_back(std::move(group));
      } else if (rule == IntegerRule::concat &&
                 std::all_of(group.begin(), group.end(), [&](ValueId id) { return uses_.readers(id).size() == 1; })) {
        group.push_back(graph_.nodes[node].outputs[0]);
        regions_.shareable.push_back(std::move(group));
      }
    }
  }

  // Fixed parameters and bounds of scales, where a pattern says them.
  void collect_demands() {
    for (std::size_t node = 0; node < candidate_.size(); ++node) {
      if (!is_integer(node)) continue;
      const Pattern* pattern = sequence_at(node);
      if (pattern == nullptr) pattern = target_.integer_pattern(graph_.nodes[node].type);
      if (pattern == nullptr) continue;
      for (const ValueId input : quantized_inputs(node)) bound(input, pattern->input.scale);
      const ValueId result = result_of(node);
      bound(result, pattern->output.scale);
      const auto value = regions_.values.find(result);
      if (value == regions_.values.end()) continue;
      const auto& scheme = std::get<StaticInt8Scheme>(assignments_[value->second].scheme);
      const FixedParameters* fixed = pattern->output.fixed_for(scheme.act == ActivationType::u8 ? DataType::uint8 : DataType::int8);
      if (fixed != nullptr) regions_.fixed.emplace(result, fixed->parameters);
    }
  }

  void bound(ValueId value, const ScaleBounds& bounds) {
    if (!regions_.values.contains(value) || bounds == ScaleBounds{}) return;
    ScaleBounds& both = regions_.bounds[value];
    both.least = std::max(both.least, bounds.least);
    both.most = std::min(both.most, bounds.most);
  }

  const Graph& graph_;
  Uses uses_;
  const std::vector<Assignment>& assignments_;
  const Target& target_;
  std::map<std::size_t, std::size_t> weighted_;  // node -> assignment
  std::vector<bool> candidate_;
  IntegerRegions regions_;
};

}  // namespace

IntegerRegions find_integer_regions(const Graph& graph, const std::vector<Assignment>& assignments, const Target& target) {
  return RegionFinder(graph, assignments, target).find();
}

std::set<ValueId> possible_integers(const Graph& graph, const Target& target) { return RegionFinder(graph, {}, target).possible(); }

}  // namespace titrate::engine
