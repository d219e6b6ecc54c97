#include "engine/kernels/normalization/normalization.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace titrate::kernels {
namespace {

class Normalization : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Normalization, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

std::vector<float> numbers(std::size_t count, float mean, float deviation) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> made(count);
  for (float& number : made) number = normal(random);
  return made;
}

TEST_P(Normalization, MomentsOfAllLengthsAreTheSumsInSixteenParts) {
  for (std::size_t count = 1; count < 100; ++count) {
    const std::vector<float> x = numbers(count, 1000, 0.01F);  // squares of x would cancel
    const auto sum = [&](auto term) {
      double parts[16] = {};
      for (std::size_t i = 0; i < count; ++i) parts[i % 16] += term(static_cast<double>(x[i]));
      for (std::size_t half = 8; half > 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
      }
      return parts[0];
    };
    const double mean = sum([](double value) { return value; }) / static_cast<double>(count);
    const double variance = sum([&](double value) { return (value - mean) * (value - mean); }) / static_cast<double>(count);
    const Moments found = normalization_kernels(GetParam()).moments(x.data(), count);
    ASSERT_EQ(found.mean, mean) << count;
    ASSERT_EQ(found.variance, variance) << count;
  }
}

TEST_P(Normalization, StepsAreRoundedOneByOne) {
  const NormalizationKernels& kernels = normalization_kernels(GetParam());
  for (std::size_t count = 0; count < 40; ++count) {
    const std::vector<float> x = numbers(count, 3, 2);
    const std::vector<float> scale = numbers(count, 1, 1);
    const std::vector<float> bias = numbers(count, 0, 1);
    std::vector<float> plain(count + 1, 77.0F), each(count + 1, 77.0F);
    kernels.normalize(x.data(), 2.9F, 0.7F, 0.1F, plain.data(), count);
    kernels.normalize_each(x.data(), 2.9F, 0.7F, scale.data(), bias.data(), each.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const float unit = (x[i] - 2.9F) * 0.7F;
      ASSERT_EQ(plain[i], unit + 0.1F);
      const float scaled = unit * scale[i];
      ASSERT_EQ(each[i], scaled + bias[i]);
    }
    ASSERT_EQ(plain.back(), 77.0F);
    ASSERT_EQ(each.back(), 77.0F);
  }
}

}  // namespace
}  // namespace titrate::kernels
