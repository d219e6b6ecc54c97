// Both direct forms of a convolution give equal bits on every instruction set, with every epilogue, and nothing is written outside the
// output.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/plain.hpp"

namespace titrate::kernels {
namespace {

std::vector<float> numbers(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> all(count);
  for (float& value : all) value = distribution(random);
  return all;
}

ConvolutionGeometry random_geometry(std::mt19937& random) {
  const auto pick = [&](std::int64_t low, std::int64_t high) { return std::uniform_int_distribution<std::int64_t>(low, high)(random); };
  ConvolutionGeometry geometry;
  geometry.batch = pick(1, 2);
  geometry.groups = pick(1, 2);
  geometry.channels = pick(0, 3) == 0 ? pick(150, 350) : pick(1, 40);
  geometry.filters = pick(1, 70);
  for (std::size_t axis = 1; axis < 3; ++axis) {
    geometry.kernel[axis] = pick(0, 1) == 0 ? 1 : pick(1, 3);
    geometry.stride[axis] = pick(1, 3);
    geometry.dilation[axis] = pick(0, 2) == 0 ? 2 : 1;
    geometry.pad[axis] = pick(0, 1) == 0 ? 0 : pick(0, 2);
    geometry.input[axis] = pick(5, 17);
    const std::int64_t extent = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
    const std::int64_t behind = pick(0, 2);  // zeros
    geometry.output[axis] = (geometry.input[axis] + geometry.pad[axis] + behind - extent) / geometry.stride[axis] + 1;
  }
  return geometry;
}

struct Convolution {
  ConvolutionGeometry geometry;
  std::vector<float> input, filters, bias, addend;

  explicit Convolution(unsigned seed) {
    std::mt19937 random(seed);
    geometry = random_geometry(random);
    input = numbers(static_cast<std::size_t>(geometry.batch * geometry.groups * geometry.channels * geometry.input_size()), random);
    filters = numbers(static_cast<std::size_t>(geometry.groups * geometry.filters * geometry.depth()), random);
    bias = numbers(static_cast<std::size_t>(geometry.groups * geometry.filters), random);
    addend = numbers(static_cast<std::size_t>(geometry.batch * geometry.groups * geometry.filters * geometry.output_size()), random);
  }

  // Behind the scratch memory and the output stands a mark.
  [[nodiscard]] std::vector<float> run(Isa isa, ConvolutionForm form, const Activation& activation, bool adds) const {
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
};

class ConvolutionForms : public testing::TestWithParam<unsigned> {};

TEST_P(ConvolutionForms, GiveEqualBits) {
  const Convolution convolution(GetParam());
  std::vector<float> plain(convolution.addend.size());
  convolve_plainly<float>(convolution.geometry, convolution.input.data(), convolution.filters.data(), convolution.bias.data(),
                          plain.data());
  const Activation activations[] = {{}, Activation::relu(), {ActivationKind::hard_sigmoid, 0.2F, 0.5F}};
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    const std::vector<float> sums = convolution.run(isa, ConvolutionForm::columns, {}, false);
    const double tolerance = 2e-6 * std::sqrt(static_cast<double>(convolution.geometry.depth())) + 1e-5;
    for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(sums[i], plain[i], tolerance) << i;
    for (const Activation& activation : activations) {
      for (const bool adds : {false, true}) {
        std::vector<float> expected = sums;
        Epilogue(isa, activation, adds ? convolution.addend.data() : nullptr).finish(expected.data(), 0, expected.size());
        ASSERT_EQ(convolution.run(isa, ConvolutionForm::columns, activation, adds), expected);
        ASSERT_EQ(convolution.run(isa, ConvolutionForm::rows, activation, adds), expected);
      }
    }
  }
}

TEST_P(ConvolutionForms, DoNotDependOnThreads) {
  const Convolution convolution(GetParam());
  const int threads = omp_get_max_threads();
  for (const ConvolutionForm form : {ConvolutionForm::columns, ConvolutionForm::rows}) {
    omp_set_num_threads(1);
    const std::vector<float> alone = convolution.run(selected_isa(), form, Activation::relu(), true);
    omp_set_num_threads(3);
    EXPECT_EQ(convolution.run(selected_isa(), form, Activation::relu(), true), alone);
  }
  omp_set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ConvolutionForms, testing::Range(0U, 40U));

TEST(PreferredForm, SmallImagesAreRowsAndLargeOnesColumns) {
  ConvolutionGeometry geometry;
  geometry.channels = 512;
  geometry.filters = 512;
  for (const Isa isa : runnable_isas()) {
    geometry.output = geometry.input = {1, 7, 7};
    EXPECT_EQ(preferred_form(sgemm_kernels(isa), geometry), ConvolutionForm::rows);
    geometry.output = geometry.input = {1, 56, 56};
    EXPECT_EQ(preferred_form(sgemm_kernels(isa), geometry), ConvolutionForm::columns);
  }
}

}  // namespace
}  // namespace titrate::kernels
