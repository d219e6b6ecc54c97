// 8-bit depthwise convolution on every instruction set that this machine can run, against integer arithmetic written out.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/convolution/depthwise_int8.hpp"

namespace titrate::kernels {
namespace {

struct Problem {
  ConvolutionGeometry geometry;
  std::int32_t x_zero;
  std::int32_t y_zero;
  std::vector<std::int16_t> weights;
  std::vector<std::int32_t> bias;
  std::vector<float> multipliers;
};

Problem problem(std::int64_t channels, const Sizes3& input, const Sizes3& kernel, std::int64_t stride, std::int64_t dilation,
                std::int64_t pad, std::mt19937& random) {
  Problem made;
  ConvolutionGeometry& geometry = made.geometry;
  geometry.batch = 2;
  geometry.groups = channels;
  geometry.input = input;
  geometry.kernel = kernel;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const bool flat = input[axis] == 1 && kernel[axis] == 1;
    geometry.stride[axis] = flat ? 1 : stride;
    geometry.dilation[axis] = flat ? 1 : dilation;
    geometry.pad[axis] = flat ? 0 : pad;
    const std::int64_t room = input[axis] + 2 * geometry.pad[axis] - ((kernel[axis] - 1) * geometry.dilation[axis] + 1);
    geometry.output[axis] = room < 0 ? 0 : room / geometry.stride[axis] + 1;
  }
  for (std::int64_t i = 0; i < channels * geometry.taps(); ++i) {
    made.weights.push_back(
        static_cast<std::int16_t>(random() % 4 == 0 ? (random() % 2 == 0 ? -255 : 255) : static_cast<int>(random() % 511) - 255));
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    made.bias.push_back(static_cast<std::int32_t>(random() % 20001) - 10000);
    made.multipliers.push_back(std::uniform_real_distribution<float>(0.0001F, 0.01F)(random));
  }
  return made;
}

template <class Code>
std::vector<Code> random_codes(std::size_t count, std::mt19937& random) {
  std::vector<Code> codes(count);
  for (Code& code : codes) code = static_cast<Code>(random() % 4 == 0 ? std::numeric_limits<Code>::lowest() : static_cast<int>(random()));
  return codes;
}

template <class X>
std::int32_t exact_sum(const Problem& problem, const std::vector<X>& x, std::int64_t batch, std::int64_t channel, const Sizes3& at) {
  const ConvolutionGeometry& geometry = problem.geometry;
  std::int64_t sum = problem.bias[static_cast<std::size_t>(channel)];
  std::size_t tap = static_cast<std::size_t>(channel * geometry.taps());
  for (std::int64_t d = 0; d < geometry.kernel[0]; ++d) {
    for (std::int64_t h = 0; h < geometry.kernel[1]; ++h) {
      for (std::int64_t w = 0; w < geometry.kernel[2]; ++w, ++tap) {
        const Sizes3 taps{d, h, w};
        std::int64_t place = batch;
        bool inside = true;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          const std::int64_t position = at[axis] * geometry.stride[axis] - geometry.pad[axis] + taps[axis] * geometry.dilation[axis];
          inside = inside && position >= 0 && position < geometry.input[axis];
          place = place * geometry.input[axis] + position;
        }
        if (inside) sum += (x[static_cast<std::size_t>(place * geometry.groups + channel)] - problem.x_zero) * problem.weights[tap];
      }
    }
  }
  return static_cast<std::int32_t>(sum);
}

template <class X, class Y>
std::vector<Y> expected(const Problem& problem, const std::vector<X>& x) {
  const ConvolutionGeometry& geometry = problem.geometry;
  std::vector<Y> y;
  for (std::int64_t batch = 0; batch < geometry.batch; ++batch) {
    for (std::int64_t d = 0; d < geometry.output[0]; ++d) {
      for (std::int64_t h = 0; h < geometry.output[1]; ++h) {
        for (std::int64_t w = 0; w < geometry.output[2]; ++w) {
          for (std::int64_t channel = 0; channel < geometry.groups; ++channel) {
            const float product = static_cast<float>(exact_sum(problem, x, batch, channel, {d, h, w})) *
                                  problem.multipliers[static_cast<std::size_t>(channel)];
            const double code = std::nearbyint(static_cast<double>(product)) + problem.y_zero;
            y.push_back(static_cast<Y>(std::clamp<double>(code, std::numeric_limits<Y>::lowest(), std::numeric_limits<Y>::max())));
          }
        }
      }
    }
  }
  return y;
}

template <class X, class Y>
std::vector<Y> computed(Isa isa, const Problem& problem, const std::vector<X>& x) {
  const PackedDepthwise packed(problem.geometry, problem.weights, problem.bias, problem.x_zero, problem.multipliers);
  std::vector<std::byte> scratch(depthwise_int8_scratch(problem.geometry) + 64);
  const std::size_t skip = (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64;
  std::vector<Y> y(static_cast<std::size_t>(problem.geometry.batch * problem.geometry.groups * problem.geometry.output_size()));
  convolve_depthwise(depthwise_int8_kernels(isa), problem.geometry, packed, x.data(), problem.y_zero, y.data(),
                     std::span(scratch).subspan(skip));
  return y;
}

template <class X, class Y>
void check(Isa isa, Problem problem, std::mt19937& random) {
  const std::size_t size = static_cast<std::size_t>(problem.geometry.batch * problem.geometry.groups * problem.geometry.input_size());
  const std::vector<X> x = random_codes<X>(size, random);
  for (const bool low : {true, false}) {
    problem.x_zero = low ? std::numeric_limits<X>::lowest() : std::numeric_limits<X>::max();
    problem.y_zero = low ? std::numeric_limits<Y>::max() : std::numeric_limits<Y>::lowest() + 100;
    const std::vector<Y> wanted = expected<X, Y>(problem, x);
    for (const int threads : {1, 2}) {
      const int before = omp_get_max_threads();
      omp_set_num_threads(threads);
      const std::vector<Y> got = computed<X, Y>(isa, problem, x);
      omp_set_num_threads(before);
      ASSERT_EQ(got, wanted) << problem.geometry.groups << " channels, " << threads << " threads";
    }
  }
}

class DepthwiseInt8 : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!machine_has(GetParam())) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }
  std::mt19937 random_{17};
};

INSTANTIATE_TEST_SUITE_P(Isas, DepthwiseInt8, testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                         [](const auto& variant) { return std::string(name_of(variant.param)); });

TEST_P(DepthwiseInt8, AllChannelCountsAndKernels) {
  for (const std::int64_t channels : {1, 3, 7, 16, 17, 33, 64, 95}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t kernel : {1, 2, 3, 5}) {
          const Problem one = problem(channels, {1, 9, 11}, {1, kernel, kernel}, stride, dilation, kernel / 2, random_);
          check<std::uint8_t, std::uint8_t>(GetParam(), one, random_);
          check<std::int8_t, std::int8_t>(GetParam(), one, random_);
        }
      }
    }
  }
}

TEST_P(DepthwiseInt8, OneAndThreeDimensionsAndMixedTypes) {
  for (const std::int64_t channels : {5, 40}) {
    check<std::uint8_t, std::int8_t>(GetParam(), problem(channels, {1, 1, 13}, {1, 1, 4}, 1, 1, 2, random_), random_);
    check<std::int8_t, std::uint8_t>(GetParam(), problem(channels, {4, 5, 6}, {3, 2, 3}, 2, 1, 1, random_), random_);
    check<std::uint8_t, std::uint8_t>(GetParam(), problem(channels, {5, 4, 3}, {2, 3, 3}, 1, 2, 2, random_), random_);
  }
}

TEST_P(DepthwiseInt8, PaddingWiderThanTheImageAndEmptyBatches) {
  check<std::uint8_t, std::uint8_t>(GetParam(), problem(19, {1, 1, 2}, {1, 3, 3}, 1, 3, 6, random_), random_);
  Problem none = problem(19, {1, 4, 4}, {1, 3, 3}, 1, 1, 1, random_);
  none.geometry.batch = 0;
  check<std::uint8_t, std::uint8_t>(GetParam(), none, random_);
}

TEST_P(DepthwiseInt8, ProductsBeyondEveryRangeSaturate) {
  Problem one = problem(16, {1, 1, 1}, {1, 1, 1}, 1, 1, 0, random_);
  const std::vector<std::uint8_t> x(32, 255);
  one.x_zero = 0;
  one.y_zero = 7;
  one.bias.assign(16, 0);
  for (std::size_t c = 0; c < 16; ++c) one.weights[c] = c % 2 == 0 ? 255 : -255;
  constexpr float most = std::numeric_limits<float>::max();
  one.multipliers = {most, most, 1e6F, 1e6F, 40000.0F, 40000.0F, 0, 0, std::nanf(""), 1, 1, 1, 1, 1, 1, 1};
  const std::vector<std::uint8_t> y = computed<std::uint8_t, std::uint8_t>(GetParam(), one, x);
  const std::vector<std::uint8_t> first(y.begin(), y.begin() + 10);
  EXPECT_EQ(first, (std::vector<std::uint8_t>{255, 0, 255, 0, 255, 0, 7, 7, 0, 0}));
}

}  // namespace
}  // namespace titrate::kernels
