// Each node against the patterns of the target's description. The rules are those of engine/quant/targets/breach.hpp.
#include <algorithm>
#include <array>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/targets/breach.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

using lowering::Quantizer;

bool is_symmetric(const Quantizer& quantizer) {
  // The code in the middle of an unsigned type.
  const std::int32_t middle = is_signed_integer(quantizer.type) ? 0 : 1 << (bits_of(quantizer.type) - 1);
  for (std::int64_t channel = 0; channel < quantizer.scales->elements(); ++channel) {
    if (quantizer.zero_point_of(static_cast<std::size_t>(channel)) != middle) return false;
  }
  return true;
}

std::string listed(const std::vector<DataType>& types) {
  std::string text;
  for (const DataType type : types) text += cat(text.empty() ? "" : " or ", name_of(type));
  return text;
}

class NodeCheck {
 public:
  NodeCheck(CheckedModel& model, const Node& node, std::vector<Finding>& findings)
      : model_(model), target_(model.target()), node_(node), findings_(findings) {}

  void run() {
    if (is_part_of_another()) return;
    if (has_own_integer_form()) return tell(breach::pattern, cat(node_.type, " is an operator on integers that the target does not have"));
    const bool quantized_input = reads_activation_codes();
    if (!quantized_input) return check_stored_weights();
    const Pattern* pattern = find_pattern();
    if (pattern == nullptr) return check_without_pattern();
    check_inputs(*pattern);
    check_weights(*pattern);
    check_bias(*pattern);
    check_output(*pattern);
  }

 private:
  [[nodiscard]] const Node* behind() const { return model_.only_reader(node_.outputs[0]); }

  // The second operator of a pattern that the one before it begins.
  [[nodiscard]] bool is_part_of_another() const {
    if (node_.inputs.empty() || node_.inputs[0] == ValueId::none || !node_.domain.empty()) return false;
    const Node* before = model_.producer(node_.inputs[0]);
    if (before == nullptr || model_.only_reader(node_.inputs[0]) != &node_) return false;
    const Pattern* sequence = target_.integer_pattern(before->type, node_.type);
    return sequence != nullptr && sequence->fusion != Fusion::never;
  }

  [[nodiscard]] bool has_own_integer_form() const {
    constexpr std::array<std::string_view, 6> types = {
        "QGemm", "MatMulInteger", "ConvInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulNBits"};
    if (target_.onnxruntime) return false;
    if (node_.type.starts_with("QLinear")) return true;
    const bool dynamic = node_.type == "MatMulInteger" && target_.dynamic_pattern("MatMul") != nullptr;
    return !dynamic && std::ranges::find(types, node_.type) != types.end();
  }

  [[nodiscard]] bool reads_activation_codes() const {
    for (const ValueId id : data_inputs(node_)) {
      const Node* dequantize = id == ValueId::none ? nullptr : model_.producer(id);
      if (dequantize != nullptr && lowering::is_dequantize(*dequantize) && model_.graph().constant(dequantize->inputs[0]) == nullptr)
        return true;
    }
    return false;
  }

  [[nodiscard]] const Pattern* find_pattern() const {
    if (!node_.domain.empty()) return nullptr;
    const Node* reader = behind();
    const Pattern* sequence = reader == nullptr ? nullptr : target_.integer_pattern(node_.type, reader->type);
    return sequence != nullptr ? sequence : target_.integer_pattern(node_.type);
  }

  [[nodiscard]] const Node* quantize_behind() const {
    const Node* reader = behind();
    if (reader != nullptr && !lowering::is_quantize(*reader)) {
      const Pattern* sequence = target_.integer_pattern(node_.type, reader->type);
      if (sequence != nullptr && sequence->fusion != Fusion::never) return model_.quantize_behind(reader->outputs[0]);
    }
    return model_.quantize_behind(node_.outputs[0]);
  }

  void tell(std::string_view rule, const std::string& words, const std::string& hint = {}) {
    findings_.push_back({.severity = target_.fails_to_load(rule) ? Severity::error : Severity::warning,
                         .node = node_.name,
                         .type = node_.type,
                         .rule = std::string(rule),
                         .words = words,
                         .hint = hint.empty() ? cat("quantize the model for it: --target ", visible(target_.name)) : hint});
  }

  // On one side alone quantizers begin or end a part on integers; weights that are stored in few bits ask for a pattern.
  void check_without_pattern() {
    if (model_.layer_of(node_) == nullptr && quantize_behind() == nullptr) return;
    tell(breach::pattern,
         cat("the target has no pattern on integers for ", visible(node_.type), ": the quantizers around it are pure cost"),
         "leave the quantizers around it out");
  }

  // The DequantizeLinear in front of a Gather reads constant codes here.
  void check_table() {
    const Node* dequantize = model_.producer(node_.inputs[0]);
    const Tensor* codes =
        dequantize != nullptr && lowering::is_dequantize(*dequantize) ? model_.graph().constant_input(*dequantize, 0) : nullptr;
    if (codes == nullptr) return;
    const Pattern* pattern = target_.storage_pattern(node_.type, DataType::float32);
    if (pattern == nullptr) return tell(breach::pattern, cat("the target has no pattern of stored weights for ", visible(node_.type)));
    if (!pattern->weights->takes(codes->type()))
      tell(breach::type, cat("its table is ", name_of(codes->type()), "; the target takes ", listed(pattern->weights->types)));
    const auto table = model_.dequantized(node_, 0);
    if (pattern->weights->symmetric && table && !is_symmetric(*table)) tell(breach::zero_point, "its table is not symmetric");
  }

  void check_stored_weights() {
    if (is_lookup(node_)) return check_table();
    const QuantizedLayer* layer = model_.layer_of(node_);
    if (layer == nullptr) return;
    const Pattern* pattern = target_.storage_pattern(node_.type, DataType::float32);
    if (pattern == nullptr) return tell(breach::pattern, cat("the target has no pattern of stored weights for ", visible(node_.type)));
    check_layer(*layer, *pattern);
  }

  void check_edge(const Quantizer& quantizer, const ActivationRule& rule, std::string_view side) {
    if (!rule.takes(quantizer.type))
      tell(breach::type, cat("its ", side, " is ", name_of(quantizer.type), "; the target takes ", listed(rule.types)));
    if (!quantizer.per_tensor()) return tell(breach::granularity, cat("its ", side, " has a scale for each channel"));
    if (rule.symmetric && !is_symmetric(quantizer))
      tell(breach::zero_point, cat("its ", side, " has the zero point ", quantizer.zero_point_of(0), "; the target takes symmetric codes"));
    const float scale = quantizer.scale_of(0);
    if (scale < rule.scale.least || scale > rule.scale.most) {
      tell(breach::scale, cat("the scale of its ", side, ", ", lowering::number_text(scale), ", is out of the target's bounds"));
    }
    const FixedParameters* fixed = rule.fixed_for(quantizer.type);
    if (fixed != nullptr && (scale != fixed->parameters.scale || quantizer.zero_point_of(0) != fixed->parameters.zero_point)) {
      tell(breach::parameters, cat("the scale of its ", side, " is ", lowering::number_text(scale), "; the target fixes it at ",
                                   lowering::number_text(fixed->parameters.scale)));
    }
  }

  void check_inputs(const Pattern& pattern) {
    std::size_t floats = 0;
    for (std::size_t input = 0; input < node_.inputs.size(); ++input) {
      const std::vector<ValueId> data = data_inputs(node_);
      const bool is_data = node_.has_input(input) && std::ranges::find(data, node_.inputs[input]) != data.end();
      if (!is_data) continue;
      const auto quantizer = model_.dequantized(node_, input);
      if (!quantizer) {
        ++floats;
        continue;
      }
      check_edge(*quantizer, pattern.input, "input");
    }
    const std::size_t allowed = pattern.residual ? 1 : 0;
    if (floats > allowed) tell(breach::pattern, "an input of it is not quantized: it stays float");
  }

  void check_layer(const QuantizedLayer& layer, const Pattern& pattern) {
    const WeightRule& rule = *pattern.weights;
    if (!rule.takes(layer.codes->type()))
      tell(breach::type, cat("its weights are ", name_of(layer.codes->type()), "; the target takes ", listed(rule.types)));
    if (rule.symmetric && !is_symmetric(layer.weights)) tell(breach::zero_point, "its weights are not symmetric");
    const auto axis = layer.scale_axis();
    if (axis && *axis != layer.channel_axis) {
      tell(breach::granularity, cat("its weight scales run along axis ", *axis, ", its output channels along axis ", layer.channel_axis));
    } else if (axis ? !rule.per_channel : !rule.per_tensor) {
      tell(breach::granularity, axis ? "its weights have a scale for each channel" : "its weights have one scale for all");
    }
    if (rule.least_scale <= 0) return;
    for (const double scale : to_doubles(*layer.weights.scales)) {
      if (scale >= static_cast<double>(rule.least_scale)) continue;
      return tell(breach::scale, cat("a weight scale, ", shortest(scale), ", is below the target's least"));
    }
  }

  void check_weights(const Pattern& pattern) {
    const QuantizedLayer* layer = model_.layer_of(node_);
    if (pattern.weights && layer != nullptr) check_layer(*layer, pattern);
  }

  void check_bias(const Pattern& pattern) {
    if (!pattern.weights || node_.type == "MatMul" || !node_.has_input(2)) return;
    const auto quantizer = model_.dequantized(node_, 2);
    const DataType type = quantizer ? quantizer->type : DataType::float32;
    if (std::ranges::find(pattern.bias_types, type) != pattern.bias_types.end()) return;
    tell(breach::bias, cat("its bias is ", name_of(type), "; the target takes ", listed(pattern.bias_types)));
  }

  void check_output(const Pattern& pattern) {
    const Node* quantize = quantize_behind();
    if (quantize == nullptr) {
      if (pattern.output_quantized_always) tell(breach::output, "no QuantizeLinear behind it: it stays float");
      return;
    }
    const auto output = model_.quantized(*quantize);
    if (!output) return;
    check_edge(*output, pattern.output, "output");
    if (pattern.sharing != Sharing::equal) return;
    for (std::size_t input = 0; input < node_.inputs.size(); ++input) {
      if (!model_.reads_quantized_activation(node_, input)) continue;
      const auto quantizer = model_.dequantized(node_, input);
      if (quantizer && !quantizer->same_parameters(*output))
        return tell(breach::parameters, "scale and zero point of input and output differ; the target takes equal ones");
    }
  }

  CheckedModel& model_;
  const Target& target_;
  const Node& node_;
  std::vector<Finding>& findings_;
};

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (model.target().name == default_target().name) return;  // the lowering pass knows its rules to the last detail
  for (const Node& node : model.graph().nodes) {
    if (node.outputs.empty() || lowering::is_quantize(node) || lowering::is_dequantize(node)) continue;
    NodeCheck(model, node, findings).run();
  }
}

}  // namespace

const RuleRow target_description_rule{"target_description", "what the target's description does not allow", true, find};

}  // namespace titrate::engine
