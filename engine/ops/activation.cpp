// Activations: one number in, one out. Formulas: onnx/onnx, docs/Operators.md.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/ops/table.hpp"
#include "engine/ops/unary.hpp"

namespace titrate::engine::ops {
namespace {

struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T{0} ? T{0} : x;
  }
  [[nodiscard]] kernels::Activation kernel() const { return kernels::Activation::relu(); }
};

struct LeakyRelu {
  float alpha;
  explicit LeakyRelu(const PrepareRequest& request) : alpha(request.node.number("alpha", 0.01F)) {}
  template <class T>
  T operator()(T x) const {
    return x < T{0} ? static_cast<T>(alpha) * x : x;
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::leaky_relu, alpha, 0}; }
};

struct ThresholdedRelu {
  float alpha;
  explicit ThresholdedRelu(const PrepareRequest& request) : alpha(request.node.number("alpha", 1.0F)) {}
  template <class T>
  T operator()(T x) const {
    return x > static_cast<T>(alpha) ? x : T{0};
  }
};

struct Elu {
  float alpha;
  explicit Elu(const PrepareRequest& request) : alpha(request.node.number("alpha", 1.0F)) {}
  template <class T>
  T operator()(T x) const {
    return x < T{0} ? static_cast<T>(alpha) * std::expm1(x) : x;
  }
};

struct Selu {
  float alpha;
  float gamma;
  explicit Selu(const PrepareRequest& request)
      : alpha(request.node.number("alpha", 1.67326319217681884765625F)), gamma(request.node.number("gamma", 1.05070102214813232421875F)) {}
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(gamma) * (x > T{0} ? x : static_cast<T>(alpha) * std::expm1(x));
  }
};

struct Celu {
  float alpha;
  explicit Celu(const PrepareRequest& request) : alpha(request.node.number("alpha", 1.0F)) {
    if (alpha == 0.0F) request.refuse("attribute 'alpha' is 0");
  }
  template <class T>
  T operator()(T x) const {
    const auto a = static_cast<T>(alpha);
    return std::max(T{0}, x) + std::min(T{0}, a * std::expm1(x / a));
  }
};

struct Sigmoid {
  template <class T>
  T operator()(T x) const {
    return T{1} / (T{1} + std::exp(-x));
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::sigmoid, 0, 0}; }
};

struct HardSigmoid {
  float alpha;
  float beta;
  explicit HardSigmoid(const PrepareRequest& request)
      : alpha(request.node.number("alpha", 0.2F)), beta(request.node.number("beta", 0.5F)) {}
  template <class T>
  T operator()(T x) const {
    return std::clamp(static_cast<T>(alpha) * x + static_cast<T>(beta), T{0}, T{1});
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::hard_sigmoid, alpha, beta}; }
};

struct HardSwish {
  template <class T>
  T operator()(T x) const {
    return x * std::clamp(x * static_cast<T>(1.0F / 6.0F) + T{0.5}, T{0}, T{1});
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::hard_swish, 0, 0}; }
};

struct Swish {
  float alpha;
  explicit Swish(const PrepareRequest& request) : alpha(request.node.number("alpha", 1.0F)) {}
  template <class T>
  T operator()(T x) const {
    return x / (T{1} + std::exp(-static_cast<T>(alpha) * x));
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::swish, alpha, 0}; }
};

// log(1 + e^x) without overflow.
template <class T>
T softplus(T x) {
  return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x)));
}

struct Softplus {
  template <class T>
  T operator()(T x) const {
    return softplus(x);
  }
};

struct Mish {
  template <class T>
  T operator()(T x) const {
    return x * std::tanh(softplus(x));
  }
};

struct Softsign {
  template <class T>
  T operator()(T x) const {
    return x / (T{1} + std::abs(x));
  }
};

struct Tanh {
  template <class T>
  T operator()(T x) const {
    return std::tanh(x);
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::tanh, 0, 0}; }
};

struct Shrink {
  float lambda;
  float bias;
  explicit Shrink(const PrepareRequest& request) : lambda(request.node.number("lambd", 0.5F)), bias(request.node.number("bias", 0.0F)) {}
  template <class T>
  T operator()(T x) const {
    const auto value = static_cast<double>(x);
    const auto shift = static_cast<double>(bias);
    if (value < -static_cast<double>(lambda)) return static_cast<T>(value + shift);
    if (value > static_cast<double>(lambda)) return static_cast<T>(value - shift);
    return T{0};
  }
};

struct GeluExact {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(0.5) * x * (T{1} + std::erf(x * (T{1} / std::numbers::sqrt2_v<T>)));
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::gelu, 0, 0}; }
};

struct GeluTanh {
  template <class T>
  T operator()(T x) const {
    constexpr T scale = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T>;  // sqrt(2 / pi)
    return static_cast<T>(0.5) * x * (T{1} + std::tanh(scale * (x + static_cast<T>(0.044715) * x * x * x)));
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::gelu_tanh, 0, 0}; }
};

std::vector<OutputType> infer_gelu(const InferRequest& request) {
  const std::string approximate = request.node.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") request.refuse(cat("attribute 'approximate' is '", visible(approximate), "'"));
  return infer_like_first<float_types>(request);
}

Step prepare_gelu(const PrepareRequest& request) {
  const bool exact = request.node.text("approximate", "none") == "none";
  return exact ? prepare_activation<FloatTypes, GeluExact>(request) : prepare_activation<FloatTypes, GeluTanh>(request);
}

constexpr OperatorDefinition rows[] = {
    number_activation_row<Relu>("Relu"),
    float_activation_row<LeakyRelu>("LeakyRelu"),
    float_row<ThresholdedRelu>("ThresholdedRelu"),
    float_row<Elu>("Elu"),
    float_row<Selu>("Selu"),
    float_row<Celu>("Celu", 12),
    float_activation_row<Sigmoid>("Sigmoid"),
    float_activation_row<HardSigmoid>("HardSigmoid"),
    float_activation_row<HardSwish>("HardSwish", 14),
    float_activation_row<Swish>("Swish", 24),
    float_row<Softplus>("Softplus"),
    float_row<Softsign>("Softsign"),
    float_row<Mish>("Mish", 18),
    float_activation_row<Tanh>("Tanh"),
    number_row<Shrink>("Shrink", 9),
    {.type = "Gelu", .first_opset = 20, .infer = infer_gelu, .prepare = prepare_gelu},
};

}  // namespace

Family activation() { return rows; }

}  // namespace titrate::engine::ops
