#include "engine/quant/integer_regions.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/integer_rules.hpp"

namespace titrate::engine {
namespace {

class RegionFinder {
 public:
  RegionFinder(const Graph& graph, const std::vector<Assignment>& assignments)
      : graph_(graph), uses_(graph), candidate_(graph.nodes.size()) {
    for (std::size_t index = 0; index < assignments.size(); ++index) {
      if (std::holds_alternative<StaticInt8Scheme>(assignments[index].scheme)) weighted_.emplace(assignments[index].node, index);
    }
  }

  IntegerRegions find() {
    choose_candidates();
    for (const auto& [node, assignment] : weighted_) mark_weighted(node, assignment);
    spread_marks();
    collect_sharing();
    return std::move(regions_);
  }

 private:
  // The value that a quantizer behind the node would see: the output of a Relu or Clip that alone reads the node's output, else the output
  // itself.
  ValueId result_of(std::size_t node) const {
    const ValueId output = graph_.nodes[node].outputs[0];
    if (uses_.is_output(output) || uses_.readers(output).size() != 1) return output;
    if (integer_rule(graph_, graph_.nodes[node]) == IntegerRule::pass_through) return output;
    const Node& reader = graph_.nodes[static_cast<std::size_t>(uses_.readers(output)[0])];
    return activation_bounds(graph_, reader) ? reader.outputs[0] : output;
  }

  // The node that makes a value, looking through Relu and Clip that belong to it.
  std::optional<std::size_t> source_of(ValueId value) const {
    const int producer = uses_.producer(value);
    if (producer < 0) return std::nullopt;
    const Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    if (activation_bounds(graph_, node)) {
      const int before = uses_.producer(node.inputs[0]);
      if (before >= 0 && result_of(static_cast<std::size_t>(before)) == value) return static_cast<std::size_t>(before);
    }
    return static_cast<std::size_t>(producer);
  }

  bool is_integer(std::size_t node) const { return weighted_.contains(node) || candidate_[node]; }

  // An operator between integer nodes stays integer if all it reads can be integers and somebody wants integers from it. Start with all and
  // take out what fails until nothing changes: the largest set in which every member has its reasons.
  void choose_candidates() {
    for (std::size_t node = 0; node < candidate_.size(); ++node) candidate_[node] = integer_rule(graph_, graph_.nodes[node]).has_value();
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
    const std::vector<ValueId> inputs = data_inputs(graph_.nodes[node]);
    // One input: quantizing before or behind the node is the same, so it may come from anywhere.
    if (inputs.size() == 1 && integer_rule(graph_, graph_.nodes[node]) == IntegerRule::pass_through) return true;
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
    if (result != graph_.nodes[node].outputs[0]) regions_.before_activation.emplace(result, graph_.nodes[node].outputs[0]);
  }

  void mark_weighted(std::size_t node, std::size_t assignment) {
    mark(graph_.nodes[node].inputs[0], assignment);
    const ValueId result = result_of(node);
    const auto& readers = uses_.readers(result);
    const bool wanted =
        std::any_of(readers.begin(), readers.end(), [&](int reader) { return is_integer(static_cast<std::size_t>(reader)); });
    // A convolution runs as integers only with a quantizer behind it; a matrix product may give floats.
    if (wanted || graph_.nodes[node].type == "Conv" || becomes_gemm_with_float_bias(node)) mark_result(node, assignment);
  }

  // ONNX Runtime makes a float Gemm of MatMul + Add, unless a quantizer stands between.
  bool becomes_gemm_with_float_bias(std::size_t node) const {
    if (graph_.nodes[node].type != "MatMul") return false;
    const auto& readers = uses_.readers(graph_.nodes[node].outputs[0]);
    return readers.size() == 1 && graph_.nodes[static_cast<std::size_t>(readers[0])].type == "Add";
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
    std::vector<ValueId> around = data_inputs(graph_.nodes[node]);
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
      const IntegerRule rule = *integer_rule(graph_, graph_.nodes[node]);
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

  const Graph& graph_;
  Uses uses_;
  std::map<std::size_t, std::size_t> weighted_;  // node -> assignment
  std::vector<bool> candidate_;
  IntegerRegions regions_;
};

}  // namespace

IntegerRegions find_integer_regions(const Graph& graph, const std::vector<Assignment>& assignments) {
  return RegionFinder(graph, assignments).find();
}

}  // namespace titrate::engine
