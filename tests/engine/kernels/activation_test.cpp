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

INSTANTIATE_TEST_SUITE_P(Isas, ActivationOfIsa, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

}  // namespace
}  // namespace titrate::kernels
