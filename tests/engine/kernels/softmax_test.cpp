#include "engine/kernels/softmax/softmax.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/activation/activation.hpp"

namespace titrate::kernels {
namespace {

class SoftmaxOfIsa : public testing::TestWithParam<Isa> {};

TEST_P(SoftmaxOfIsa, EqualsItsDefinitionAtEveryLength) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 5);
  for (std::size_t count = 1; count < 80; ++count) {
    std::vector<float> source(count), target(count);
    for (float& value : source) value = normal(random);
    softmax_kernel(GetParam())(source.data(), target.data(), count);
    double sum = 0;
    for (const float value : source) sum += std::exp(static_cast<double>(value));
    for (std::size_t i = 0; i < count; ++i) {
      const double exact = std::exp(static_cast<double>(source[i])) / sum;
      // The difference to the largest is rounded before it is an exponent.
      ASSERT_NEAR(target[i], exact, exact * 4e-6) << i << " of " << count;
    }
    std::vector<float> in_place = source;
    softmax_kernel(GetParam())(in_place.data(), in_place.data(), count);
    EXPECT_EQ(in_place, target);
  }
}

TEST_P(SoftmaxOfIsa, HugeAndInfiniteElements) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> row(21, -infinity);
  row[17] = 3e38F;
  softmax_kernel(GetParam())(row.data(), row.data(), row.size());
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_EQ(row[i], i == 17 ? 1.0F : 0.0F);
  row[20] = std::nanf("");
  softmax_kernel(GetParam())(row.data(), row.data(), row.size());
  EXPECT_TRUE(std::isnan(row[0]));
}

TEST_P(SoftmaxOfIsa, SumsInSixteenPartsWhateverTheRegister) {
  std::mt19937 random(9);
  std::normal_distribution<float> normal(0, 3);
  for (const std::size_t count : {5U, 16U, 77U, 160U}) {
    std::vector<float> source(count), powers(count), found(count);
    for (float& value : source) value = normal(random);
    const float largest = *std::max_element(source.begin(), source.end());
    for (std::size_t i = 0; i < count; ++i) powers[i] = source[i] - largest;
    activation_kernel(GetParam())({ActivationKind::exp, 0, 0}, powers.data(), powers.data(), count);
    float parts[16] = {};
    for (std::size_t i = 0; i < count; ++i) parts[i % 16] += powers[i];
    for (std::size_t half = 8; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
    }
    for (float& power : powers) power /= parts[0];
    softmax_kernel(GetParam())(source.data(), found.data(), count);
    EXPECT_EQ(found, powers) << count;
  }
}

TEST_P(SoftmaxOfIsa, LogarithmsEqualTheirDefinition) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 5);
  for (std::size_t count = 1; count < 80; ++count) {
    std::vector<float> source(count), target(count);
    for (float& value : source) value = normal(random);
    softmax_kernels(GetParam()).log_row(source.data(), target.data(), count);
    double sum = 0;
    for (const float value : source) sum += std::exp(static_cast<double>(value));
    for (std::size_t i = 0; i < count; ++i) ASSERT_NEAR(target[i], static_cast<double>(source[i]) - std::log(sum), 4e-6) << i;
    std::vector<float> in_place = source;
    softmax_kernels(GetParam()).log_row(in_place.data(), in_place.data(), count);
    EXPECT_EQ(in_place, target);
  }
}

TEST_P(SoftmaxOfIsa, ColumnsEqualTheirDefinitionAtEveryWidth) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 5);
  constexpr std::size_t size = 7;
  for (std::size_t columns = 1; columns < 40; ++columns) {
    for (const bool logarithm : {false, true}) {
      std::vector<float> source(size * columns), target(size * columns + 1, 77.0F);
      for (float& value : source) value = normal(random);
      softmax_kernels(GetParam()).columns(source.data(), target.data(), size, columns, logarithm);
      EXPECT_EQ(target.back(), 77.0F);
      for (std::size_t column = 0; column < columns; ++column) {
        double sum = 0;
        for (std::size_t i = 0; i < size; ++i) sum += std::exp(static_cast<double>(source[i * columns + column]));
        for (std::size_t i = 0; i < size; ++i) {
          const auto x = static_cast<double>(source[i * columns + column]);
          const double exact = logarithm ? x - std::log(sum) : std::exp(x) / sum;
          ASSERT_NEAR(target[i * columns + column], exact, logarithm ? 4e-6 : exact * 4e-6) << i << ", " << column << " of " << columns;
        }
      }
      std::vector<float> in_place = source;
      softmax_kernels(GetParam()).columns(in_place.data(), in_place.data(), size, columns, logarithm);
      target.pop_back();
      EXPECT_EQ(in_place, target);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, SoftmaxOfIsa, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

}  // namespace
}  // namespace titrate::kernels
