#include "engine/quant/edges/built_in.hpp"

#include <algorithm>
#include <map>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/integer_regions.hpp"
#include "engine/quant/node_selection.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

CodeType code_type(ActivationType type) {
  switch (type) {
    case ActivationType::s8:
      return CodeType::int8;
    case ActivationType::u16:
      return CodeType::uint16;
    case ActivationType::s16:
      return CodeType::int16;
    case ActivationType::u8:
      break;
  }
  return CodeType::uint8;
}

CodeType code_type(DataType type) { return type == DataType::int8 ? CodeType::int8 : CodeType::uint8; }

PlainSpec activation_spec(const StaticInt8Scheme& scheme) {
  PlainSpec spec{.type = code_type(scheme.act), .symmetric = scheme.act_sym, .percentile = scheme.percentile};
  spec.calibrator = std::string(calibrator(scheme.calibrator).name);
  return spec;
}

PlainSpec weight_spec(const StaticInt8Scheme& scheme, std::optional<std::int64_t> axis) {
  PlainSpec spec{.type = scheme.weight_sym ? CodeType::int8 : CodeType::uint8, .symmetric = scheme.weight_sym};
  // Of asymmetric weights ONNX Runtime's convolution wants one zero point.
  if (scheme.per_channel && scheme.weight_sym) spec.axis = axis;
  if (scheme.reduce_range) spec.codes = scheme.weight_sym ? std::pair(-64, 64) : std::pair(0, 127);
  return spec;
}

class StaticInt8Annotator {
 public:
  StaticInt8Annotator(const Graph& graph, const std::vector<Assignment>& assignments, const Target& target, Annotations& annotations)
      : graph_(graph), uses_(graph), assignments_(assignments), target_(target), annotations_(annotations) {}

  void run() {
    const IntegerRegions regions = find_integer_regions(graph_, assignments_, target_);
    for (const std::vector<ValueId>& group : regions.shared) unite(group);
    for (const auto& [value, assignment] : regions.values) annotate_value(value, regions);
    for (const auto& [value, before] : regions.before_activation) annotate_before_activation(value, before, regions);
    for (const Assignment& assignment : assignments_) annotate_layer(assignment);
  }

 private:
  [[nodiscard]] ValueId leader_of(ValueId value) const {
    for (auto next = leader_.find(value); next != leader_.end() && next->second != value; next = leader_.find(value)) value = next->second;
    return value;
  }

  void unite(const std::vector<ValueId>& group) {
    for (const ValueId value : group) leader_[leader_of(value)] = leader_of(group[0]);
  }

  [[nodiscard]] const StaticInt8Scheme& scheme_at(std::size_t assignment) const {
    return std::get<StaticInt8Scheme>(assignments_[assignment].scheme);
  }
  [[nodiscard]] const Node& node_at(int index) const { return graph_.nodes[static_cast<std::size_t>(index)]; }

  // Where the value is read: each input of each node once.
  [[nodiscard]] std::vector<Edge> reading_edges(ValueId value) const {
    std::vector<Edge> edges;
    std::vector<int> readers = uses_.readers(value);
    readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
    for (const int reader : readers) {
      const Node& node = node_at(reader);
      for (std::size_t input = 0; input < node.inputs.size(); ++input) {
        if (node.inputs[input] == value) edges.push_back(input_of(node.name, input));
      }
    }
    return edges;
  }

  [[nodiscard]] std::optional<Edge> making_edge(ValueId value) const {
    if (uses_.producer(value) < 0) return std::nullopt;
    const Node& node = node_at(uses_.producer(value));
    const auto place = std::ranges::find(node.outputs, value) - node.outputs.begin();
    return output_of(node.name, static_cast<std::size_t>(place));
  }

  [[nodiscard]] bool is_quantized(const Edge& edge) const {
    const Annotation* annotation = annotations_.find(edge);
    return annotation != nullptr && !std::holds_alternative<FloatSpec>(annotation->spec);
  }

  // An edge of the value that has parameters by now: where it is made, or else where it is read.
  [[nodiscard]] std::optional<Edge> edge_of(ValueId value) const {
    const std::optional<Edge> made = making_edge(value);
    if (made && is_quantized(*made)) return made;
    for (const Edge& edge : reading_edges(value)) {
      if (is_quantized(edge)) return edge;
    }
    return std::nullopt;
  }

  void annotate_made(ValueId value, EdgeSpec spec) {
    const std::optional<Edge> made = making_edge(value);
    if (made && !annotations_.taken_before(made->node) && annotations_.find(*made) == nullptr) {
      annotations_.annotate(*made, std::move(spec));
      return;
    }
    // A graph input, or the value of a node that somebody else annotated: where it is read.
    for (const Edge& edge : reading_edges(value)) {
      if (annotations_.taken_before(edge.node) || annotations_.find(edge) != nullptr) continue;
      annotations_.annotate(edge, spec);
      spec = SharedSpec{edge};
    }
  }

  // The leader of a group is annotated before those that share with it.
  void annotate_value(ValueId value, const IntegerRegions& regions) {
    if (const std::optional<Edge> known = edge_of(value)) {
      if (annotations_.taken_before(known->node)) annotate_made(value, SharedSpec{*known});
      return;
    }
    if (const auto fixed = regions.fixed.find(value); fixed != regions.fixed.end()) {
      const auto& scheme = scheme_at(regions.values.at(value));
      const DataType type = scheme.act == ActivationType::u8 ? DataType::uint8 : DataType::int8;
      return annotate_made(value, FixedSpec{.type = code_type(type), .scale = fixed->second.scale, .zero_point = fixed->second.zero_point});
    }
    const ValueId leader = leader_of(value);
    if (leader != value && regions.values.contains(leader)) {
      annotate_value(leader, regions);
      if (const std::optional<Edge> first = edge_of(leader)) return annotate_made(value, SharedSpec{*first});
    }
    annotate_made(value, activation_spec(scheme_at(regions.values.at(value))));
  }

  // What the quantizer behind it would cut off anyway needs none before: asymmetric codes begin and end where the activation does. The
  // parameters are those of the value behind, whatever the range before is.
  void annotate_before_activation(ValueId value, ValueId before, const IntegerRegions& regions) {
    const StaticInt8Scheme& scheme = scheme_at(regions.values.at(value));
    const std::optional<Edge> behind = edge_of(value);
    if (!scheme.act_sym || !behind || edge_of(before) || annotations_.taken_before(behind->node)) return;
    const auto same = [](std::span<const QuantizationParameters> from) { return from[0]; };
    annotate_made(before, DerivedSpec{.type = code_type(scheme.act), .from = {*behind}, .derive = same});
  }

  void annotate_if_new(const Edge& edge, EdgeSpec spec) {
    if (annotations_.find(edge) == nullptr) annotations_.annotate(edge, std::move(spec));
  }

  void annotate_layer(const Assignment& assignment) {
    const auto* scheme = std::get_if<StaticInt8Scheme>(&assignment.scheme);
    if (scheme == nullptr) return;
    const Node& node = graph_.nodes[assignment.node];
    if (is_lookup(node)) return annotate_if_new(input_of(node.name, 0), weight_spec(*scheme, 0));
    const bool rows_first = node.type == "Conv" || (node.type == "Gemm" && node.integer("transB", 0) != 0);
    annotate_if_new(input_of(node.name, 1), weight_spec(*scheme, rows_first ? 0 : 1));
    const Tensor* bias = node.type == "MatMul" ? nullptr : graph_.constant_input(node, 2);
    const bool plain = node.type == "Conv" || (node.number("alpha", 1) == 1 && node.number("beta", 1) == 1);
    const std::int64_t channels = graph_.constant_input(node, 1)->shape()[rows_first ? 0 : 1];
    if (bias == nullptr || !plain || bias->rank() != 1 || bias->elements() != channels || bias->type() != DataType::float32 ||
        takes_float_bias(node.type))
      return;
    annotate_if_new(
        input_of(node.name, 2),
        DerivedSpec{
            .type = CodeType::int32, .from = {input_of(node.name, 0), input_of(node.name, 1)}, .derive = product_of_scales, .axis = 0});
  }

  [[nodiscard]] bool takes_float_bias(const std::string& type) const {
    const Pattern* pattern = target_.integer_pattern(type);
    return pattern != nullptr && pattern->bias_types.front() == DataType::float32;
  }

  const Graph& graph_;
  Uses uses_;
  const std::vector<Assignment>& assignments_;
  const Target& target_;
  Annotations& annotations_;
  std::map<ValueId, ValueId> leader_;  // by value: the first that it shares parameters with
};

}  // namespace

StaticInt8Quantizer::StaticInt8Quantizer(Config config, Target target) : config_(std::move(config)), target_(std::move(target)) {
  if (!std::holds_alternative<StaticInt8Scheme>(config_.scheme) || !config_.stages.empty())
    throw_usage(cat("the config ", visible(to_text(config_)), " is not static_int8(...)"), "static_int8_quantizer()",
                "stages change the model before: apply them with prepare(), calibrate() and convert()");
}

std::string StaticInt8Quantizer::name() const { return to_text(config_); }

void StaticInt8Quantizer::annotate(const GraphDescription& description, Annotations& annotations) const {
  const Graph& graph = description.graph();
  std::vector<Assignment> assignments = assign(graph, resolve_selectors(graph, config_), target_);
  for (Assignment& assignment : assignments) {
    const bool served = std::holds_alternative<StaticInt8Scheme>(assignment.scheme);
    if (served && annotations.taken_before(graph.nodes[assignment.node].name)) leave_float(assignment, "another quantizer annotated it");
    if (!served) leave_float(assignment, "not of this quantizer");
  }
  StaticInt8Annotator(graph, assignments, target_, annotations).run();
}

}  // namespace titrate::engine
