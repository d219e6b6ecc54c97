// The largest sum of products and bias that a layer can meet, exactly from its weights and over all inputs, against int32.
#include <algorithm>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"
#include "engine/quant/check/rules/bias.hpp"

namespace titrate::engine {
namespace {

struct Extremes {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

template <class Code>
void add_products(const QuantizedLayer& layer, std::vector<Extremes>& sums) {
  const std::int64_t low = layer.input->lowest_code() - layer.input->zero_point_of(0);
  const std::int64_t high = layer.input->highest_code() - layer.input->zero_point_of(0);
  const bool per_channel = layer.scale_axis() == layer.channel_axis && layer.weights.scales->elements() == layer.channels();
  const auto codes = layer.codes->data<Code>();
  for (std::int64_t index = 0; index < std::ssize(codes); ++index) {
    const auto channel = static_cast<std::size_t>(layer.channel_of(index));
    const std::int64_t weight = codes[static_cast<std::size_t>(index)] - layer.weights.zero_point_of(per_channel ? channel : 0);
    sums[channel].least += std::min(weight * low, weight * high);
    sums[channel].most += std::max(weight * low, weight * high);
  }
}

// One for each channel; weights of more than two axes of a MatMul are added up over all of them, which is a bound.
std::vector<Extremes> extremes_of(const CheckedModel& model, const QuantizedLayer& layer) {
  std::vector<Extremes> sums(static_cast<std::size_t>(layer.channels()));
  layer.codes->type() == DataType::int8 ? add_products<std::int8_t>(layer, sums) : add_products<std::uint8_t>(layer, sums);
  const auto bias = bias_of(model, layer);
  if (!bias || !bias->quantizer) return sums;
  for (std::size_t channel = 0; channel < sums.size(); ++channel) {
    const std::int32_t code = bias->values->data<std::int32_t>()[bias->index_of(static_cast<std::int64_t>(channel))];
    sums[channel].least += code;
    sums[channel].most += code;
  }
  return sums;
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  for (const QuantizedLayer& layer : model.layers()) {
    if (!layer.input || !layer.input->per_tensor() || bits_of(layer.input->type) > 16 || !lowering::is_8_bit(layer.codes->type())) continue;
    const std::vector<Extremes> sums = extremes_of(model, layer);
    const auto over = std::ranges::find_if(sums, [](const Extremes& each) {
      return each.most > std::numeric_limits<std::int32_t>::max() || each.least < std::numeric_limits<std::int32_t>::min();
    });
    if (over == sums.end()) continue;
    findings.push_back({.severity = Severity::warning,
                        .node = layer.node->name,
                        .type = layer.node->type,
                        .rule = std::string(accumulator_overflow_rule.name),
                        .words = cat("channel ", over - sums.begin(), " can sum up to ", std::max(over->most, -over->least),
                                     ", more than an int32 accumulator holds"),
                        .hint = "leave the layer float, or enlarge its scales"});
  }
}

}  // namespace

const RuleRow accumulator_overflow_rule{"accumulator_overflow", "sums of products that can leave int32", false, find};

}  // namespace titrate::engine
