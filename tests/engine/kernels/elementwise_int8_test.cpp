// Sums, products and tables of 8-bit codes on every instruction set that this machine can run, against the formula written out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"

namespace titrate::kernels {
namespace {

template <class Code>
std::vector<Code> random_codes(std::size_t count, std::mt19937& random) {
  std::vector<Code> codes(count);
  for (Code& code : codes) code = static_cast<Code>(random() % 4 == 0 ? std::numeric_limits<Code>::lowest() : static_cast<int>(random()));
  return codes;
}

template <class Code>
Code rounded(float value) {
  if (std::isnan(value)) return std::numeric_limits<Code>::lowest();
  const double code = std::nearbyint(static_cast<double>(value));
  return static_cast<Code>(std::clamp<double>(code, std::numeric_limits<Code>::lowest(), std::numeric_limits<Code>::max()));
}

template <class Code>
Code sum(const SumOfCodes& with, Code a, Code b) {
  return rounded<Code>(std::fma(static_cast<float>(a), with.a_factor, std::fma(static_cast<float>(b), with.b_factor, with.offset)));
}

template <class Code>
Code product(const ProductOfCodes& with, Code a, Code b) {
  const float scaled = static_cast<float>((a - with.a_zero) * (b - with.b_zero)) * with.factor;
  return rounded<Code>(scaled + with.offset);
}

class ElementwiseInt8 : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!machine_has(GetParam())) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }
  std::mt19937 random_{23};

  template <class Code>
  void check(std::size_t count, const SumOfCodes& sums, const ProductOfCodes& products) {
    const CodeKernels<Code>& kernels = elementwise_int8_kernels(GetParam()).of<Code>();
    const std::vector<Code> a = random_codes<Code>(count, random_);
    const std::vector<Code> b = random_codes<Code>(count, random_);
    std::vector<Code> added(count), shifted(count), multiplied(count), scaled = a;
    kernels.add(sums, a.data(), b.data(), added.data(), count);
    kernels.shift(sums, a.data(), shifted.data(), count);
    kernels.multiply(products, a.data(), b.data(), multiplied.data(), count);
    kernels.multiply_by(products, scaled.data(), Code{77}, scaled.data(), count);  // in place
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(added[i], sum(sums, a[i], b[i])) << i;
      ASSERT_EQ(shifted[i], rounded<Code>(std::fma(static_cast<float>(a[i]), sums.a_factor, sums.offset))) << i;
      ASSERT_EQ(multiplied[i], product(products, a[i], b[i])) << i;
      ASSERT_EQ(scaled[i], product(products, a[i], Code{77})) << i;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, ElementwiseInt8, testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                         [](const auto& variant) { return std::string(name_of(variant.param)); });

TEST_P(ElementwiseInt8, AllLengthsTiesAndEndsOfTheRange) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const SumOfCodes sums[] = {{0.5F, 0.25F, 3}, {0.5F, -1.5F, -100}, {0.0173F, 1.3F, 12.7F},
                             {1e9F, 0, 0},     {1e38F, 1e38F, 0},   {infinity, 1, 0}};
  for (std::size_t count = 0; count <= 67; ++count) {
    for (const SumOfCodes& each : sums) {
      check<std::uint8_t>(count, each, {255, 0, each.b_factor * 0.01F, each.offset});
      check<std::int8_t>(count, each, {-128, 127, each.b_factor * 0.01F, each.offset});
    }
  }
}

TEST_P(ElementwiseInt8, TablesOfAllCodes) {
  std::vector<std::uint8_t> table = random_codes<std::uint8_t>(256, random_);
  for (const std::size_t count : {0, 1, 31, 32, 33, 1000}) {
    const std::vector<std::uint8_t> codes = random_codes<std::uint8_t>(count, random_);
    std::vector<std::uint8_t> target(count);
    elementwise_int8_kernels(GetParam()).translate(table.data(), codes.data(), target.data(), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(target[i], table[codes[i]]);
  }
}

}  // namespace
}  // namespace titrate::kernels
