// Convolutions in blocks of channels give the bits of those on planes, on every instruction set and number of threads, with every epilogue;
// what lies in the lanes behind the last channel does not matter, and nothing is written outside the output.
#include <gtest/gtest.h>
#include <omp.h>

#include <random>
#include <vector>

#include "engine/kernels/convolution/blocked.hpp"
#include "engine/kernels/convolution/convolution.hpp"
#include "tests/engine/kernels/blocked_images.hpp"

namespace titrate::kernels {
namespace {

using Random = std::mt19937;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

std::vector<float> numbers(std::int64_t count, Random& random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> all(static_cast<std::size_t>(count));
  for (float& value : all) value = distribution(random);
  return all;
}

// Several groups have whole blocks of 16, which are whole blocks of 8 as well.
ConvolutionGeometry random_geometry(Random& random) {
  ConvolutionGeometry geometry;
  geometry.batch = pick(random, 1, 2);
  geometry.groups = pick(random, 0, 3) == 0 ? 2 : 1;
  const std::int64_t size = geometry.groups == 1 ? 1 : 16;
  geometry.channels = size * (pick(random, 0, 3) == 0 ? pick(random, 130, 300) / size : pick(random, 1, 40 / size));
  geometry.filters = size * pick(random, 1, 150 / size);
  for (std::size_t axis = 1; axis < 3; ++axis) {
    geometry.kernel[axis] = pick(random, 0, 1) == 0 ? 1 : pick(random, 1, 3);
    geometry.stride[axis] = pick(random, 1, 3);
    geometry.dilation[axis] = pick(random, 0, 2) == 0 ? 2 : 1;
    geometry.pad[axis] = pick(random, 0, 1) == 0 ? 0 : pick(random, 0, 4);
    geometry.input[axis] = pick(random, 5, 17);
    const std::int64_t extent = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
    const std::int64_t behind = pick(random, 0, 2);  // zeros
    geometry.output[axis] = (geometry.input[axis] + geometry.pad[axis] + behind - extent) / geometry.stride[axis] + 1;
  }
  return geometry;
}

struct Convolution {
  ConvolutionGeometry geometry;
  std::vector<float> input, filters, bias, addend;  // in planes

  explicit Convolution(unsigned seed) {
    Random random(seed);
    geometry = random_geometry(random);
    fill(random);
  }
  explicit Convolution(const ConvolutionGeometry& sizes) : geometry(sizes) {
    Random random(1);
    fill(random);
  }

  [[nodiscard]] std::int64_t output_channels() const { return geometry.groups * geometry.filters; }

  [[nodiscard]] std::vector<float> on_planes(Isa isa, ConvolutionForm form, const Activation& activation, bool adds) const {
    const SgemmKernels& kernels = sgemm_kernels(isa);
    const PackedFilters packed(kernels, geometry, filters.data(), form);
    std::vector<float> scratch(convolution_scratch(kernels, geometry, form));
    std::vector<float> output(addend.size());
    const Epilogue epilogue(isa, activation, adds ? addend.data() : nullptr);
    convolve(kernels, geometry, packed, bias.data(), input.data(), output.data(), scratch, epilogue);
    return output;
  }

  // Turned back to planes. Behind the scratch memory and the output stands a mark.
  [[nodiscard]] std::vector<float> in_blocks(Isa isa, ImageOrder order, BlockedForm form, const Activation& activation, bool adds) const {
    constexpr float mark = 1234.5F;
    const std::size_t lanes = channel_lanes(isa);
    const BlockedFilters packed(isa, geometry, filters.data(), bias.data(), order, form);
    const std::size_t need = blocked_scratch(packed, geometry);
    std::vector<float> scratch(need + 64, mark);
    const auto blocks = [&](const std::vector<float>& planes, std::int64_t channels, std::int64_t pixels) {
      return images_in_blocks(planes, geometry.batch, channels, pixels, lanes);
    };
    const std::vector<float> image =
        order == ImageOrder::planes ? input : blocks(input, geometry.groups * geometry.channels, geometry.input_size());
    const std::vector<float> added = blocks(addend, output_channels(), geometry.output_size());
    std::vector<float> output(added.size() + 64, mark);
    const Epilogue epilogue(isa, activation, adds ? added.data() : nullptr);
    convolve_blocked(packed, geometry, image.data(), output.data(), std::span(scratch).first(need), epilogue);
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(scratch[need + i], mark);
      EXPECT_EQ(output[added.size() + i], mark);
    }
    output.resize(added.size());
    return images_in_planes(output, geometry.batch, output_channels(), geometry.output_size(), lanes);
  }

 private:
  void fill(Random& random) {
    input = numbers(geometry.batch * geometry.groups * geometry.channels * geometry.input_size(), random);
    filters = numbers(geometry.groups * geometry.filters * geometry.depth(), random);
    bias = numbers(geometry.groups * geometry.filters, random);
    addend = numbers(geometry.batch * geometry.groups * geometry.filters * geometry.output_size(), random);
  }
};

class BlockedConvolutionBits : public testing::TestWithParam<unsigned> {};

TEST_P(BlockedConvolutionBits, AreThoseOnPlanes) {
  const Convolution convolution(GetParam());
  const Activation activations[] = {{}, Activation::relu(), {ActivationKind::hard_sigmoid, 0.2F, 0.5F}};
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    for (const Activation& activation : activations) {
      for (const bool adds : {false, true}) {
        const std::vector<float> expected = convolution.on_planes(isa, ConvolutionForm::columns, activation, adds);
        for (const ImageOrder order : {ImageOrder::planes, ImageOrder::blocks}) {
          if (!suits_blocks(convolution.geometry, channel_lanes(isa), order)) continue;
          ASSERT_EQ(convolution.in_blocks(isa, order, BlockedForm::direct, activation, adds), expected);
        }
      }
    }
  }
}

void expect_no_trace_of_threads(const Convolution& convolution, BlockedForm form) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<float> alone = convolution.in_blocks(selected_isa(), ImageOrder::blocks, form, Activation::relu(), true);
  omp_set_num_threads(3);
  EXPECT_EQ(convolution.in_blocks(selected_isa(), ImageOrder::blocks, form, Activation::relu(), true), alone);
  omp_set_num_threads(threads);
}

TEST_P(BlockedConvolutionBits, DoNotDependOnThreads) { expect_no_trace_of_threads(Convolution(GetParam()), BlockedForm::direct); }

INSTANTIATE_TEST_SUITE_P(Seeds, BlockedConvolutionBits, testing::Range(0U, 60U));

class BlockedWinogradBits : public testing::TestWithParam<unsigned> {
 protected:
  // Plain 3x3 filters.
  static Convolution convolution(unsigned seed) {
    Random random(seed);
    ConvolutionGeometry geometry = random_geometry(random);
    geometry.kernel = {1, 3, 3};
    geometry.stride = geometry.dilation = {1, 1, 1};
    for (std::size_t axis = 1; axis < 3; ++axis) geometry.output[axis] = geometry.input[axis] + geometry.pad[axis] + pick(random, 0, 2) - 2;
    return Convolution(geometry);
  }
};

TEST_P(BlockedWinogradBits, AreThoseOnPlanes) {
  const Convolution convolution = BlockedWinogradBits::convolution(GetParam());
  const Activation activations[] = {{}, Activation::relu(), {ActivationKind::hard_sigmoid, 0.2F, 0.5F}};
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    if (!suits_blocks(convolution.geometry, channel_lanes(isa), ImageOrder::blocks)) continue;
    for (const Activation& activation : activations) {
      for (const bool adds : {false, true}) {
        const std::vector<float> expected = convolution.on_planes(isa, ConvolutionForm::winograd, activation, adds);
        ASSERT_EQ(convolution.in_blocks(isa, ImageOrder::blocks, BlockedForm::winograd, activation, adds), expected);
      }
    }
  }
}

TEST_P(BlockedWinogradBits, DoNotDependOnThreads) { expect_no_trace_of_threads(convolution(GetParam()), BlockedForm::winograd); }

INSTANTIATE_TEST_SUITE_P(Seeds, BlockedWinogradBits, testing::Range(0U, 30U));

TEST(PreferredBlockedForm, IsThatOfPlanes) {
  ConvolutionGeometry geometry;
  geometry.kernel = {1, 3, 3};
  const auto form = [&](std::int64_t channels, std::int64_t size, ImageOrder order = ImageOrder::blocks) {
    geometry.channels = geometry.filters = channels;
    geometry.input = geometry.output = {1, size, size};
    return preferred_blocked_form(geometry, order);
  };
  EXPECT_EQ(form(64, 56), BlockedForm::winograd);
  EXPECT_EQ(form(512, 7), BlockedForm::winograd);
  EXPECT_EQ(form(64, 4), BlockedForm::direct);
  EXPECT_EQ(form(8, 56), BlockedForm::direct);
  EXPECT_EQ(form(64, 56, ImageOrder::planes), BlockedForm::direct);
  geometry.stride = {1, 2, 2};
  EXPECT_EQ(form(64, 56), BlockedForm::direct);
}

TEST(SuitsBlocks, TwoAxesAndWholeBlocksInGroups) {
  ConvolutionGeometry geometry;
  geometry.channels = 16;
  geometry.filters = 24;
  EXPECT_TRUE(suits_blocks(geometry, 8, ImageOrder::planes));
  geometry.groups = 2;
  EXPECT_TRUE(suits_blocks(geometry, 8, ImageOrder::blocks));
  EXPECT_FALSE(suits_blocks(geometry, 16, ImageOrder::blocks));
  EXPECT_FALSE(suits_blocks(geometry, 8, ImageOrder::planes));
  geometry.groups = 1;
  geometry.kernel[0] = 3;
  EXPECT_FALSE(suits_blocks(geometry, 8, ImageOrder::blocks));
}

}  // namespace
}  // namespace titrate::kernels
