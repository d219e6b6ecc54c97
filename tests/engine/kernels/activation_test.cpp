#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/activation/activation.hpp"

namespace titrate::kernels {
namespace {

class ActivationOfIsa : public testing::TestWithParam<Isa> {
 protected:
  static std::vector<float> apply(const Activation& activation, const std::vector<float>& source) {
    std::vector<float> target(source.size());
    activation_kernel(GetParam())(activation, source.data(), target.data(), source.size());
    return target;
  }
};

std::vector<float> values(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count) + 1);
  std::uniform_real_distribution<float> distribution(-3, 3);
  std::vector<float> all(count);
  for (float& value : all) value = distribution(random);
  return all;
}

TEST_P(ActivationOfIsa, EqualsItsDefinitionAtEveryLength) {
  for (std::size_t count = 0; count < 40; ++count) {
    const std::vector<float> source = values(count);
    const auto clamped = apply({ActivationKind::clamp, -0.5F, 1.25F}, source);
    const auto leaky = apply({ActivationKind::leaky_relu, 0.1F, 0}, source);
    const auto hard = apply({ActivationKind::hard_sigmoid, 0.3F, 0.4F}, source);
    ASSERT_EQ(apply({}, source), source);
    for (std::size_t i = 0; i < count; ++i) {
      const float x = source[i];
      ASSERT_EQ(clamped[i], std::min(std::max(x, -0.5F), 1.25F));
      ASSERT_EQ(leaky[i], x < 0 ? 0.1F * x : x);
      const float scaled = 0.3F * x;
      ASSERT_EQ(hard[i], std::min(std::max(scaled + 0.4F, 0.0F), 1.0F));
    }
  }
}

TEST_P(ActivationOfIsa, KeepsNanInfinityAndTheSignOfZero) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> relu = apply(Activation::relu(), {std::nanf(""), infinity, -infinity, -0.0F, -1e-40F});
  EXPECT_TRUE(std::isnan(relu[0]));
  EXPECT_EQ(relu[1], infinity);
  EXPECT_EQ(relu[2], 0);
  EXPECT_TRUE(std::signbit(relu[3])) << "as x < 0 ? 0 : x has it";
  EXPECT_EQ(relu[4], 0);
}

struct Reference {
  ActivationKind kind;
  double (*exact)(double);
  float low, high;
};

// Every float of a dense sweep, numbers of all sizes around 0 among them; the error as a share of the exact value.
double largest_error(const Reference& reference, const std::vector<float>& source, const std::vector<float>& found) {
  double largest = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const double exact = reference.exact(static_cast<double>(source[i]));
    const double error = std::abs(static_cast<double>(found[i]) - exact);
    if (error > 2e-38) largest = std::max(largest, error / std::abs(exact));
  }
  return largest;
}

std::vector<float> sweep(float low, float high) {
  std::vector<float> all;
  constexpr int steps = 400000;
  for (int i = 0; i <= steps; ++i) all.push_back(low + (high - low) * (static_cast<float>(i) / steps));
  for (float size = 1e-40F; size < high; size *= 1.01F) {
    all.push_back(size);
    all.push_back(-size);
  }
  return all;
}

TEST_P(ActivationOfIsa, FunctionsAreWithinTheirBound) {
  const Reference references[] = {
      {ActivationKind::exp, [](double x) { return std::exp(x); }, -103, 88.7F},
      {ActivationKind::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -87, 30},
      {ActivationKind::tanh, [](double x) { return std::tanh(x); }, -12, 12},
      {ActivationKind::erf, [](double x) { return std::erf(x); }, -6, 6},
  };
  for (const Reference& reference : references) {
    const std::vector<float> source = sweep(reference.low, reference.high);
    EXPECT_LE(largest_error(reference, source, apply({reference.kind, 0, 0}, source)), 2e-7) << static_cast<int>(reference.kind);
  }
}

TEST_P(ActivationOfIsa, ProductsWithFunctionsAreWithinTheirBound) {
  const Reference references[] = {
      {ActivationKind::swish, [](double x) { return x / (1 + std::exp(-x)); }, -20, 20},
      {ActivationKind::gelu, [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }, -8, 8},
      {ActivationKind::gelu_tanh,
       [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }, -8, 8},
      {ActivationKind::hard_swish, [](double x) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); }, -5, 5},
  };
  for (const Reference& reference : references) {
    const std::vector<float> source = sweep(reference.low, reference.high);
    const std::vector<float> found = apply({reference.kind, 1, 0}, source);
    double largest = 0;
    for (std::size_t i = 0; i < source.size(); ++i) {
      const double exact = reference.exact(static_cast<double>(source[i]));
      const double scale = std::max({std::abs(exact), std::abs(static_cast<double>(source[i])), 1e-37});
      largest = std::max(largest, std::abs(static_cast<double>(found[i]) - exact) / scale);
    }
    EXPECT_LE(largest, 4e-7) << static_cast<int>(reference.kind);
  }
}

TEST_P(ActivationOfIsa, FunctionsAtTheirEnds) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> ends = {std::nanf(""), infinity, -infinity, 0.0F};
  const auto powers = apply({ActivationKind::exp, 0, 0}, ends);
  EXPECT_TRUE(std::isnan(powers[0]));
  EXPECT_EQ(std::vector<float>(powers.begin() + 1, powers.end()), (std::vector<float>{infinity, 0, 1}));
  const auto sigmoids = apply({ActivationKind::sigmoid, 0, 0}, ends);
  EXPECT_TRUE(std::isnan(sigmoids[0]));
  EXPECT_EQ(std::vector<float>(sigmoids.begin() + 1, sigmoids.end()), (std::vector<float>{1, 0, 0.5F}));
  for (const ActivationKind kind : {ActivationKind::tanh, ActivationKind::erf}) {
    const auto found = apply({kind, 0, 0}, ends);
    EXPECT_TRUE(std::isnan(found[0]));
    EXPECT_EQ(std::vector<float>(found.begin() + 1, found.end()), (std::vector<float>{1, -1, 0}));
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, ActivationOfIsa, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

}  // namespace
}  // namespace titrate::kernels
