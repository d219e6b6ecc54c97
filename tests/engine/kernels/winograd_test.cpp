// 3x3 convolutions by Winograd's minimal filtering: how far from the exact sums, and what they must have in common with the direct forms.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/plain.hpp"
#include "engine/kernels/convolution/winograd.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

struct Sizes {
  std::int64_t batch, groups, channels, filters, height, width, pad;
};

struct Problem {
  ConvolutionGeometry geometry;
  std::vector<float> input, filters, bias, addend;

  explicit Problem(const Sizes& sizes) {
    geometry.batch = sizes.batch;
    geometry.groups = sizes.groups;
    geometry.channels = sizes.channels;
    geometry.filters = sizes.filters;
    geometry.input = {1, sizes.height, sizes.width};
    geometry.kernel = {1, 3, 3};
    geometry.pad = {0, sizes.pad, sizes.pad};
    geometry.output = {1, sizes.height + 2 * sizes.pad - 2, sizes.width + 2 * sizes.pad - 2};
    std::mt19937 random(11);
    const auto numbers = [&](std::int64_t count) {
      std::normal_distribution<float> distribution(0.1F, 1);
      std::vector<float> all(static_cast<std::size_t>(count));
      for (float& value : all) value = distribution(random);
      return all;
    };
    input = numbers(sizes.batch * sizes.groups * sizes.channels * geometry.input_size());
    filters = numbers(sizes.groups * sizes.filters * geometry.depth());
    bias = numbers(sizes.groups * sizes.filters);
    addend = numbers(sizes.batch * sizes.groups * sizes.filters * geometry.output_size());
  }

  // Behind the scratch memory and the output stands a mark.
  [[nodiscard]] std::vector<float> run(Isa isa, ConvolutionForm form, const Activation& activation = {}, bool adds = false) const {
    constexpr float mark = 1234.5F;
    const SgemmKernels& kernels = sgemm_kernels(isa);
    const PackedFilters packed(kernels, geometry, filters.data(), form);
    const std::size_t need = convolution_scratch(kernels, geometry, form);
    std::vector<float> scratch(need + 64, mark);
    std::vector<float> output(addend.size() + 64, mark);
    const Epilogue epilogue(isa, activation, adds ? addend.data() : nullptr);
    convolve(kernels, geometry, packed, bias.data(), input.data(), output.data(), std::span(scratch).first(need), epilogue);
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(scratch[need + i], mark);
      EXPECT_EQ(output[addend.size() + i], mark);
    }
    output.resize(addend.size());
    return output;
  }

  [[nodiscard]] std::vector<double> exact() const {
    const auto wide = [](const std::vector<float>& numbers) { return std::vector<double>(numbers.begin(), numbers.end()); };
    std::vector<double> output(addend.size());
    convolve_plainly<double>(geometry, wide(input).data(), wide(filters).data(), wide(bias).data(), output.data());
    return output;
  }
};

// The largest error over the largest output.
double relative_error(const std::vector<float>& found, const std::vector<double>& exact) {
  double largest = 0;
  double apart = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact[i]));
    apart = std::max(apart, std::abs(static_cast<double>(found[i]) - exact[i]));
  }
  return apart / largest;
}

// Odd sizes, tiles that reach over the image's end, rows of tiles shorter and longer than a register, channels beyond a block.
const Sizes cases[] = {
    {1, 1, 16, 16, 8, 8, 0},  {1, 1, 17, 19, 7, 7, 1},   {2, 1, 24, 32, 13, 13, 1}, {1, 2, 20, 18, 14, 9, 1},
    {1, 1, 64, 23, 5, 60, 1}, {1, 1, 130, 16, 28, 4, 1}, {1, 1, 300, 40, 7, 7, 1},  {1, 1, 32, 64, 31, 33, 0},
};

class Winograd : public testing::TestWithParam<Sizes> {};
INSTANTIATE_TEST_SUITE_P(Sizes, Winograd, testing::ValuesIn(cases));

TEST_P(Winograd, IsWithinTwoMillionthsOfTheExactSums) {
  const Problem problem(GetParam());
  ASSERT_TRUE(suits_winograd(problem.geometry));
  const std::vector<double> exact = problem.exact();
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    const double error = relative_error(problem.run(isa, ConvolutionForm::winograd), exact);
    const double direct = relative_error(problem.run(isa, ConvolutionForm::columns), exact);
    EXPECT_LT(error, 2e-6);
    EXPECT_LT(error, 2 * direct + 2e-7);
  }
}

TEST_P(Winograd, FusedBitsAreThoseOfTheOperatorsAlone) {
  const Problem problem(GetParam());
  const Activation activations[] = {{}, Activation::relu(), {ActivationKind::hard_sigmoid, 0.2F, 0.5F}};
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    const std::vector<float> sums = problem.run(isa, ConvolutionForm::winograd);
    for (const Activation& activation : activations) {
      for (const bool adds : {false, true}) {
        std::vector<float> expected = sums;
        Epilogue(isa, activation, adds ? problem.addend.data() : nullptr).finish(expected.data(), 0, expected.size());
        EXPECT_EQ(problem.run(isa, ConvolutionForm::winograd, activation, adds), expected);
      }
    }
  }
}

TEST_P(Winograd, DoesNotDependOnThreads) {
  const Problem problem(GetParam());
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<float> alone = problem.run(selected_isa(), ConvolutionForm::winograd, Activation::relu(), true);
  for (const int count : {2, 3, 5}) {
    omp_set_num_threads(count);
    EXPECT_EQ(problem.run(selected_isa(), ConvolutionForm::winograd, Activation::relu(), true), alone);
  }
  omp_set_num_threads(threads);
}

TEST(WinogradFilter, PointsAreItsDefinition) {
  // A filter of one tap at (i, j) has the points G[p][i] * G[q][j].
  const float transform[4][3] = {{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      float taps[9] = {};
      taps[i * 3 + j] = 8;
      float points[winograd_points];
      winograd_filter(taps, points);
      for (std::size_t p = 0; p < 4; ++p) {
        for (std::size_t q = 0; q < 4; ++q) EXPECT_EQ(points[p * 4 + q], 8 * transform[p][i] * transform[q][j]);
      }
    }
  }
}

TEST(SuitsWinograd, OnlyPlain3x3FiltersOfEnoughChannels) {
  ConvolutionGeometry geometry = Problem({1, 1, 16, 16, 8, 8, 1}).geometry;
  EXPECT_TRUE(suits_winograd(geometry));
  const auto refused = [&](auto change) {
    ConvolutionGeometry changed = geometry;
    change(changed);
    EXPECT_FALSE(suits_winograd(changed));
  };
  refused([](auto& g) { g.channels = 15; });
  refused([](auto& g) { g.filters = 15; });
  refused([](auto& g) { g.stride[2] = 2; });
  refused([](auto& g) { g.dilation[1] = 2; });
  refused([](auto& g) { g.kernel[2] = 5; });
  refused([](auto& g) { g.kernel[0] = 2; });
  refused([](auto& g) { g.output[1] = 2; });
  refused([](auto& g) { g.output[1] = g.output[2] = 4; });  // four tiles
  geometry.batch = 32;
  EXPECT_TRUE(suits_winograd(geometry));
}

}  // namespace
}  // namespace titrate::kernels
