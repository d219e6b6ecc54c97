#include "engine/ops/fused_activation.hpp"

#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine::ops {
namespace {

using kernels::Activation;
using kernels::ActivationKind;

struct Row {
  std::string_view name;
  ActivationKind kind;
  std::size_t numbers;
};

constexpr Row rows[] = {
    {"Clip", ActivationKind::clamp, 2}, {"HardSigmoid", ActivationKind::hard_sigmoid, 2}, {"LeakyRelu", ActivationKind::leaky_relu, 1},
    {"Relu", ActivationKind::clamp, 0}, {"Sigmoid", ActivationKind::sigmoid, 0},          {"Swish", ActivationKind::swish, 1},
    {"Tanh", ActivationKind::tanh, 0},
};

[[noreturn]] void refuse(const Node& node, const std::string& what) { throw_invalid(what, node.described()); }

const Row& row_of(const Node& node, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  refuse(node, cat("the activation '", visible(name), "' is not supported"));
}

}  // namespace

Activation activation_of_convolution(const Node& node) {
  const std::string name = node.text("activation", "");
  if (name.empty()) return {};
  const Row& row = row_of(node, name);
  if (row.name == "Relu") return Activation::relu();
  const std::vector<float> numbers = node.numbers("activation_params");
  if (numbers.size() != row.numbers) {
    refuse(node, cat("'activation_params' has ", numbers.size(), " numbers, the activation ", name, " takes ", row.numbers));
  }
  return {row.kind, numbers.empty() ? 0 : numbers[0], numbers.size() < 2 ? 0 : numbers[1]};
}

Activation activation_of_gemm(const Node& node) {
  const std::string name = node.text("activation", "");
  if (name.empty()) return {};
  const Row& row = row_of(node, name);
  if (row.name == "Relu") return Activation::relu();
  if (row.name == "LeakyRelu") return {row.kind, node.number("activation_alpha", 0.01F), 0};
  if (row.name == "HardSigmoid") return {row.kind, node.number("activation_alpha", 0.2F), node.number("activation_beta", 0.5F)};
  if (row.numbers > 0) refuse(node, cat("the activation ", name, " is not supported behind a Gemm"));
  return {row.kind, 0, 0};
}

}  // namespace titrate::engine::ops
