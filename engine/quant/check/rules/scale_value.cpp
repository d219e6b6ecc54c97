// Scales that are no scales: 0, not finite, negative, or so small that processors which flush them to 0 divide by it.
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

enum class Fault : std::uint8_t { none, subnormal, negative, zero, not_finite };

Fault fault_of(double scale) {
  if (!std::isfinite(scale)) return Fault::not_finite;
  if (scale == 0) return Fault::zero;
  if (scale < 0) return Fault::negative;
  return scale < static_cast<double>(std::numeric_limits<float>::min()) ? Fault::subnormal : Fault::none;
}

bool is_stored_weight(const CheckedModel& model, const Node& node) {
  return lowering::is_dequantize(node) && model.graph().constant_input(node, 0) != nullptr;
}

Severity severity_of(Fault fault, const CheckedModel& model, const Node& node) {
  if (fault == Fault::zero || fault == Fault::not_finite) return Severity::error;
  if (fault == Fault::subnormal) return Severity::warning;
  if (!is_stored_weight(model, node)) return Severity::error;
  // Weights that are only stored may have the sign in the scale; integer kernels take positive ones.
  const Node* reader = model.only_reader(node.outputs[0]);
  return reader != nullptr && model.reads_quantized_activation(*reader, 0) ? Severity::warning : Severity::note;
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  for (const Node& node : model.graph().nodes) {
    if (!lowering::is_quantize(node) && !lowering::is_dequantize(node)) continue;
    const Tensor* scales = model.graph().constant_input(node, 1);
    // The scales of MX blocks are powers of two in a type that has no other numbers.
    if (scales == nullptr || !is_float(scales->type())) continue;
    Fault worst = Fault::none;
    double example = 0;
    for (const double scale : to_doubles(*scales)) {
      if (const Fault fault = fault_of(scale); fault > worst) {
        worst = fault;
        example = scale;
      }
    }
    if (worst == Fault::none) continue;
    const std::string words = worst == Fault::subnormal ? cat("its scale ", shortest(example), " is below the least normal float")
                                                        : cat("its scale is ", shortest(example));
    findings.push_back({.severity = severity_of(worst, model, node),
                        .node = node.name,
                        .type = node.type,
                        .rule = std::string(scale_value_rule.name),
                        .words = words,
                        .hint = "give it a positive scale, such as 1 where all values are 0"});
  }
}

}  // namespace

const RuleRow scale_value_rule{"scale_value", "scales that are 0, negative, subnormal or not finite", true, find};

}  // namespace titrate::engine
