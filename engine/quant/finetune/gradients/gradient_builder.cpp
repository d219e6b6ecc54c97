#include "engine/quant/finetune/gradients/gradient_builder.hpp"

#include <numeric>
#include <utility>

namespace titrate::engine {

void GradientBuilder::add(ValueId value, ValueId gradient) {
  if (!wanted(value)) return;
  const auto [place, first] = gradients_.emplace(value, gradient);
  if (!first) place->second = node("Add", {place->second, gradient});
}

ValueId GradientBuilder::gradient_of(ValueId value) const {
  const auto found = gradients_.find(value);
  return found == gradients_.end() ? ValueId::none : found->second;
}

ValueId GradientBuilder::node(const std::string& type, std::vector<ValueId> inputs, std::vector<Attribute> attributes) {
  return outputs(type, std::move(inputs), 1, std::move(attributes))[0];
}

std::vector<ValueId> GradientBuilder::outputs(const std::string& type, std::vector<ValueId> inputs, std::size_t count,
                                              std::vector<Attribute> attributes) {
  Node made;
  made.name = names_.node("gradient_" + type);
  made.type = type;
  made.inputs = std::move(inputs);
  for (std::size_t output = 0; output < count; ++output) made.outputs.push_back(graph_.add_value(names_.value("gradient_" + type)));
  made.attributes = std::move(attributes);
  graph_.nodes.push_back(std::move(made));
  return graph_.nodes.back().outputs;
}

ValueId GradientBuilder::constant(Tensor tensor) { return graph_.add_constant(names_.value("gradient_constant"), std::move(tensor)); }

ValueId GradientBuilder::integers(const std::vector<std::int64_t>& values) {
  return constant(Tensor::of<std::int64_t>({std::ssize(values)}, values));
}

ValueId GradientBuilder::sum(ValueId value, const std::vector<std::int64_t>& axes, bool keep) {
  return node("ReduceSum", {value, integers(axes)}, {attribute("keepdims", std::int64_t{keep ? 1 : 0})});
}

ValueId GradientBuilder::transposed(ValueId value, std::size_t rank) {
  std::vector<std::int64_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[rank - 1], order[rank - 2]);
  return node("Transpose", {value}, {attribute("perm", order)});
}

ValueId GradientBuilder::summed_to(ValueId gradient, const Shape& from, ValueId like) {
  const Shape& to = shape(like);
  const std::size_t extra = from.size() - to.size();
  std::vector<std::int64_t> leading(extra);
  std::iota(leading.begin(), leading.end(), 0);
  if (extra > 0) gradient = sum(gradient, leading, false);
  std::vector<std::int64_t> stretched;
  for (std::size_t axis = 0; axis < to.size(); ++axis) {
    if (to[axis] == 1 && from[extra + axis] != 1) stretched.push_back(static_cast<std::int64_t>(axis));
  }
  return stretched.empty() ? gradient : sum(gradient, stretched, true);
}

}  // namespace titrate::engine
