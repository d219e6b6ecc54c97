// Products with packed weights on every instruction set that this machine can run, bit for bit against the formulas written out.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/nbits_gemm/product.hpp"

namespace titrate::kernels {
namespace {

enum class ZeroPoints { none, codes, floats };

struct Weights {
  NBitsSource source{};
  std::vector<std::uint8_t> codes, zero_point_codes;
  std::vector<float> scales, zero_points;
  std::vector<int> plain;         // [N, K]
  std::vector<float> plain_zero;  // [N, blocks]

  [[nodiscard]] std::size_t blocks() const { return (source.depth + source.block - 1) / source.block; }
  [[nodiscard]] std::size_t at(std::size_t n, std::size_t k) const { return n * blocks() + k / source.block; }
  [[nodiscard]] float dequantized(std::size_t n, std::size_t k) const {
    return (static_cast<float>(plain[n * source.depth + k]) - plain_zero[at(n, k)]) * scales[at(n, k)];
  }
};

void put(std::uint8_t& byte, std::size_t bit, unsigned code) { byte = static_cast<std::uint8_t>(byte | (code << (bit % 8))); }

Weights random_weights(std::mt19937& random, int bits, std::size_t depth, std::size_t columns, std::size_t block, ZeroPoints zero_points) {
  Weights w;
  w.source = {.bits = bits, .depth = depth, .columns = columns, .block = block, .codes = nullptr, .scales = nullptr};
  const auto width = static_cast<std::size_t>(bits);
  const unsigned limit = 1U << width;
  const std::size_t row_bytes = w.blocks() * block * width / 8;
  const std::size_t zero_bytes = (w.blocks() * width + 7) / 8;
  w.codes.resize(columns * row_bytes);
  w.zero_point_codes.resize(columns * zero_bytes);
  for (std::size_t n = 0; n < columns; ++n) {
    for (std::size_t k = 0; k < w.blocks() * block; ++k) {  // what fills the last block up is not zero: it must not count
      const unsigned code = random() % 8 == 0 ? limit - 1 : static_cast<unsigned>(random()) % limit;
      put(w.codes[n * row_bytes + k * width / 8], k * width, code);
      if (k < depth) w.plain.push_back(static_cast<int>(code));
    }
    for (std::size_t index = 0; index < w.blocks(); ++index) {
      const unsigned zero = random() % 4 == 0 ? (random() % 2) * (limit - 1) : static_cast<unsigned>(random()) % limit;
      put(w.zero_point_codes[n * zero_bytes + index * width / 8], index * width, zero);
      w.scales.push_back(0.001F * static_cast<float>(1 + random() % 1000) * (random() % 2 == 0 ? 1.0F : -1.0F));
      w.zero_points.push_back(0.01F * static_cast<float>(random() % 1000));
      w.plain_zero.push_back(zero_points == ZeroPoints::none    ? static_cast<float>(limit / 2)
                             : zero_points == ZeroPoints::codes ? static_cast<float>(zero)
                                                                : w.zero_points.back());
    }
  }
  w.source.codes = w.codes.data();
  w.source.scales = w.scales.data();
  if (zero_points == ZeroPoints::codes) w.source.zero_point_codes = w.zero_point_codes.data();
  if (zero_points == ZeroPoints::floats) w.source.zero_points = w.zero_points.data();
  return w;
}

std::vector<float> random_numbers(std::mt19937& random, std::size_t count) {
  std::uniform_real_distribution<float> distribution(-1.0F, 1.0F);
  std::vector<float> made(count);
  for (float& number : made) number = distribution(random);
  return made;
}

float expected_float(Isa isa, const Weights& w, const float* a, std::size_t n, float start) {
  float sum = start;
  for (std::size_t k = 0; k < w.source.depth; ++k) {
    const float weight = w.dequantized(n, k);
    sum = isa == Isa::scalar ? a[k] * weight + sum : std::fma(a[k], weight, sum);
  }
  return sum;
}

float expected_integer(const Weights& w, const float* a, std::size_t n, float start) {
  float sum = start;
  for (std::size_t first = 0; first < w.source.depth; first += w.source.block) {
    const std::size_t last = std::min(first + w.source.block, w.source.depth);
    float largest = 0;
    for (std::size_t k = first; k < last; ++k) largest = std::max(largest, std::abs(a[k]));
    const float scale = largest / 127.0F;
    std::int64_t dot = 0;
    for (std::size_t k = first; k < last && scale != 0; ++k) {
      dot += std::llrint(a[k] / scale) * (w.plain[n * w.source.depth + k] - static_cast<int>(w.plain_zero[w.at(n, k)]));
    }
    const float scaled = static_cast<float>(dot) * scale;
    const float product = scaled * w.scales[w.at(n, first)];
    sum = sum + product;
  }
  return sum;
}

struct Case {
  int bits;
  std::size_t depth, columns, block;
  ZeroPoints zero_points;
};

class NBitsGemm : public testing::TestWithParam<Case> {
 protected:
  // The product on one thread; two threads must give the same bits.
  static std::vector<float> product(Isa isa, const NBitsWeights& weights, const std::vector<float>& a, const std::vector<float>& start,
                                    bool integers) {
    const NBitsVariant variant = nbits_variant(isa);
    const std::size_t rows = a.size() / weights.depth();
    std::vector<float> scratch(integers ? nbits_integer_scratch(weights, rows) : nbits_float_scratch(rows, weights.depth()));
    std::vector<std::vector<float>> results;
    const int threads_before = omp_get_max_threads();
    for (const int threads : {1, 2}) {
      omp_set_num_threads(threads);
      std::vector<float> c = start;
      (integers ? multiply_nbits_integers : multiply_nbits_floats)(variant, {rows, a.data(), weights, c.data()}, scratch.data());
      results.push_back(c);
    }
    omp_set_num_threads(threads_before);
    EXPECT_EQ(std::memcmp(results[0].data(), results[1].data(), start.size() * sizeof(float)), 0) << "threads change the result";
    return results[0];
  }

  std::mt19937 random_{11};
};

TEST_P(NBitsGemm, FloatsAreTheSumsInTheOrderOfK) {
  const Case& c = GetParam();
  const Weights w = random_weights(random_, c.bits, c.depth, c.columns, c.block, c.zero_points);
  const NBitsWeights packed(w.source);
  for (const std::size_t rows : {1, 2, 5, 17, 99}) {
    const auto a = random_numbers(random_, rows * c.depth);
    const auto start = random_numbers(random_, rows * c.columns);
    for (const Isa isa : runnable_isas()) {
      const auto found = product(isa, packed, a, start, false);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], expected_float(isa, w, a.data() + i / c.columns * c.depth, i % c.columns, start[i]))
            << name_of(isa) << ", " << rows << " rows, element " << i;
      }
    }
  }
}

class NBitsIntegerGemm : public NBitsGemm {};

TEST_P(NBitsIntegerGemm, IntegersAreExactInEachBlock) {
  const Case& c = GetParam();
  const Weights w = random_weights(random_, c.bits, c.depth, c.columns, c.block, c.zero_points);
  const NBitsWeights packed(w.source);
  for (const std::size_t rows : {1, 2, 3, 4, 7, 99}) {
    auto a = random_numbers(random_, rows * c.depth);
    for (float& number : a) {  // the ends of the range as often as not
      if (random_() % 2 == 0) number = number < 0 ? -1.0F : 1.0F;
    }
    for (std::size_t k = 0; k < std::min(c.block, c.depth); ++k) a[k] = 0;  // a block without a scale
    const auto start = random_numbers(random_, rows * c.columns);
    for (const Isa isa : runnable_isas()) {
      const auto found = product(isa, packed, a, start, true);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], expected_integer(w, a.data() + i / c.columns * c.depth, i % c.columns, start[i]))
            << name_of(isa) << ", " << rows << " rows, element " << i;
      }
    }
  }
}

const auto with_integers = testing::Values(
    Case{4, 40, 37, 16, ZeroPoints::none}, Case{4, 40, 65, 16, ZeroPoints::codes}, Case{4, 1, 1, 16, ZeroPoints::codes},
    Case{4, 300, 129, 32, ZeroPoints::codes}, Case{4, 257, 64, 128, ZeroPoints::none}, Case{8, 40, 37, 16, ZeroPoints::codes},
    Case{8, 300, 70, 64, ZeroPoints::none}, Case{8, 33, 128, 32, ZeroPoints::codes}, Case{8, 3, 5, 256, ZeroPoints::none});
// 2 bits and float zero points are always computed in floats.
const auto floats_only =
    testing::Values(Case{4, 96, 63, 32, ZeroPoints::floats}, Case{8, 48, 20, 16, ZeroPoints::floats},
                    Case{2, 70, 67, 16, ZeroPoints::codes}, Case{2, 64, 31, 32, ZeroPoints::none}, Case{2, 35, 66, 16, ZeroPoints::floats});

INSTANTIATE_TEST_SUITE_P(Forms, NBitsGemm, with_integers);
INSTANTIATE_TEST_SUITE_P(FloatForms, NBitsGemm, floats_only);
INSTANTIATE_TEST_SUITE_P(Forms, NBitsIntegerGemm, with_integers);

TEST(NBitsGemmEdges, ABlockWithNaNOrInfinityGivesNaN) {
  std::mt19937 random(3);
  const Weights w = random_weights(random, 4, 32, 5, 16, ZeroPoints::none);
  const NBitsWeights packed(w.source);
  for (const float odd : {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    std::vector<float> a(2 * 32, 0.5F);
    a[20] = odd;
    for (const Isa isa : runnable_isas()) {
      std::vector<float> c(10), scratch(nbits_integer_scratch(packed, 2));
      multiply_nbits_integers(nbits_variant(isa), {2, a.data(), packed, c.data()}, scratch.data());
      for (std::size_t n = 0; n < 5; ++n) EXPECT_TRUE(std::isnan(c[n]));
      for (std::size_t n = 5; n < 10; ++n) EXPECT_EQ(c[n], expected_integer(w, a.data() + 32, n - 5, 0.0F));
    }
  }
}

TEST(NBitsGemmEdges, MagnitudesNearTheLeastStayInRange) {
  std::mt19937 random(3);
  const Weights w = random_weights(random, 8, 16, 3, 16, ZeroPoints::none);
  const NBitsWeights packed(w.source);
  std::vector<float> a(16, 190 * std::numeric_limits<float>::denorm_min());  // divided by its rounded scale it is 190
  for (const Isa isa : runnable_isas()) {
    std::vector<float> c(3), scratch(nbits_integer_scratch(packed, 1));
    multiply_nbits_integers(nbits_variant(isa), {1, a.data(), packed, c.data()}, scratch.data());
    for (const float number : c) EXPECT_LE(std::abs(number), 1e-38F);
  }
}

}  // namespace
}  // namespace titrate::kernels
