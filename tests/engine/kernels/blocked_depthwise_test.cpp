// Depthwise filters in blocks of channels against those on planes, bit by bit; one thread and two.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>

#include "engine/kernels/convolution/blocked_depthwise.hpp"
#include "engine/kernels/convolution/depthwise.hpp"
#include "tests/engine/kernels/blocked_images.hpp"
#include "tests/engine/kernels/float_numbers.hpp"

namespace titrate::kernels {
namespace {

struct Filter {
  std::array<std::int64_t, 2> kernel, stride, dilation, pad;
};

Filter square(std::int64_t taps, std::int64_t stride, std::int64_t pad) { return {{taps, taps}, {stride, stride}, {1, 1}, {pad, pad}}; }

ConvolutionGeometry geometry_of(const Filter& filter, std::int64_t channels, std::int64_t rows, std::int64_t columns) {
  ConvolutionGeometry geometry;
  geometry.batch = 2;
  geometry.groups = channels;
  geometry.input = {1, rows, columns};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    geometry.kernel[axis + 1] = filter.kernel[axis];
    geometry.stride[axis + 1] = filter.stride[axis];
    geometry.dilation[axis + 1] = filter.dilation[axis];
    geometry.pad[axis + 1] = filter.pad[axis];
    const std::int64_t reach = (filter.kernel[axis] - 1) * filter.dilation[axis] + 1;
    geometry.output[axis + 1] = (geometry.input[axis + 1] + 2 * filter.pad[axis] - reach) / filter.stride[axis] + 1;
  }
  return geometry;
}

struct Problem {
  ConvolutionGeometry geometry;
  std::vector<float> input, filters, bias, addend;

  explicit Problem(const ConvolutionGeometry& sizes) : geometry(sizes) {
    const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
    std::mt19937 random(5);
    input = random_numbers(size(sizes.batch * sizes.groups * sizes.input_size()), random);
    filters = random_numbers(size(sizes.groups * sizes.taps()), random);
    bias = random_numbers(size(sizes.groups), random);
    addend = random_numbers(size(sizes.batch * sizes.groups * sizes.output_size()), random);
  }

  [[nodiscard]] std::vector<float> on_planes(Isa isa, const Activation& activation, bool adds, bool biased) const {
    std::vector<float> scratch(depthwise_scratch(depthwise_kernel(isa), geometry));
    std::vector<float> output(addend.size());
    convolve_depthwise(depthwise_kernel(isa), geometry, filters.data(), biased ? bias.data() : nullptr, input.data(), output.data(),
                       scratch, Epilogue(isa, activation, adds ? addend.data() : nullptr));
    return output;
  }

  // With marks behind what may be written; `in_place`: the outputs replace the addend.
  [[nodiscard]] std::vector<float> by_blocks(Isa isa, const Activation& activation, bool adds, bool biased, bool in_place) const {
    constexpr float mark = 1234.5F;
    const BlockedDepthwiseFilters kernel(isa, geometry, filters.data(), biased ? bias.data() : nullptr);
    const std::size_t need = blocked_depthwise_scratch(kernel, geometry);
    std::vector<float> scratch(need + 64, mark);
    const std::vector<float> blocks = images_in_blocks(input, geometry.batch, geometry.groups, geometry.input_size(), kernel.lanes());
    const std::vector<float> added = images_in_blocks(addend, geometry.batch, geometry.groups, geometry.output_size(), kernel.lanes());
    std::vector<float> output(in_place ? added : std::vector<float>(added.size(), mark));
    output.resize(added.size() + 64, mark);
    const float* second = in_place ? output.data() : added.data();
    convolve_blocked_depthwise(kernel, geometry, blocks.data(), output.data(), std::span(scratch).first(need),
                               Epilogue(isa, activation, adds ? second : nullptr));
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(scratch[need + i], mark);
      EXPECT_EQ(output[added.size() + i], mark);
    }
    return images_in_planes(output, geometry.batch, geometry.groups, geometry.output_size(), kernel.lanes());
  }
};

void expect_equal(const ConvolutionGeometry& geometry) {
  SCOPED_TRACE(testing::Message() << geometry.kernel[1] << " x " << geometry.kernel[2] << " taps, strides " << geometry.stride[1] << ", "
                                  << geometry.stride[2] << ", image " << geometry.input[1] << " x " << geometry.input[2] << ", padded by "
                                  << geometry.pad[1] << ", " << geometry.pad[2] << ", " << geometry.groups << " channels");
  const Problem problem(geometry);
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    ASSERT_EQ(bits_of(problem.by_blocks(isa, {}, false, false, false)), bits_of(problem.on_planes(isa, {}, false, false)));
    for (const Activation& activation : {Activation::relu(), Activation{ActivationKind::hard_sigmoid, 0.2F, 0.5F}}) {
      for (const bool adds : {false, true}) {
        ASSERT_EQ(bits_of(problem.by_blocks(isa, activation, adds, true, adds)), bits_of(problem.on_planes(isa, activation, adds, true)));
      }
    }
  }
}

TEST(BlockedDepthwise, EqualsPlanesAtEveryWidth) {
  for (const std::int64_t taps : {3, 5}) {
    for (const std::int64_t stride : {1, 2}) {
      for (std::int64_t columns = 1; columns <= 24; ++columns) {
        for (const std::int64_t pad : {0, 1, 2}) {
          if (columns + 2 * pad >= taps) expect_equal(geometry_of(square(taps, stride, pad), 11, 6, columns));
        }
      }
    }
  }
}

TEST(BlockedDepthwise, ChannelsThatFillNoBlock) {
  for (const std::int64_t channels : {1, 7, 8, 9, 16, 17, 32, 33}) expect_equal(geometry_of(square(3, 1, 1), channels, 7, 7));
}

TEST(BlockedDepthwise, LargeImagesInParts) {
  for (const std::int64_t taps : {3, 5}) {
    expect_equal(geometry_of(square(taps, 1, taps / 2), 3, 41, 61));
    expect_equal(geometry_of(square(taps, 2, taps / 2), 3, 90, 121));
  }
  expect_equal(geometry_of(square(3, 1, 1), 3, 5, 700));  // a row is more than a part
}

TEST(BlockedDepthwise, OtherFilters) {
  expect_equal(geometry_of(square(7, 1, 3), 9, 14, 15));
  expect_equal(geometry_of(square(4, 1, 1), 9, 9, 11));
  expect_equal(geometry_of(square(4, 2, 2), 9, 9, 40));
  expect_equal(geometry_of(square(3, 3, 1), 9, 9, 31));
  expect_equal(geometry_of(square(5, 4, 2), 9, 23, 31));
  expect_equal(geometry_of({{3, 3}, {1, 1}, {2, 2}, {2, 2}}, 9, 12, 13));
  expect_equal(geometry_of({{3, 3}, {2, 1}, {3, 2}, {3, 1}}, 9, 12, 33));
  expect_equal(geometry_of({{3, 3}, {1, 2}, {1, 1}, {1, 1}}, 9, 12, 13));
  expect_equal(geometry_of({{3, 1}, {1, 1}, {1, 1}, {1, 0}}, 9, 12, 13));
  expect_equal(geometry_of({{1, 9}, {1, 2}, {1, 1}, {0, 4}}, 9, 12, 13));
  expect_equal(geometry_of({{1, 1}, {1, 1}, {1, 1}, {0, 0}}, 9, 12, 13));
}

TEST(BlockedDepthwise, MorePaddingThanTaps) {
  expect_equal(geometry_of(square(3, 1, 6), 9, 2, 3));
  expect_equal(geometry_of(square(3, 2, 7), 9, 2, 3));
  expect_equal(geometry_of(square(5, 1, 9), 9, 60, 50));
}

// A weight that is no number makes all sums that it takes part in none, those over padding included.
TEST(BlockedDepthwise, ZerosOfThePaddingTakePart) {
  Problem problem(geometry_of(square(3, 1, 1), 9, 9, 20));
  problem.filters[0] = std::numeric_limits<float>::infinity();
  problem.bias.assign(problem.bias.size(), -0.0F);
  std::ranges::fill(problem.input, -0.0F);
  for (const Isa isa : runnable_isas()) {
    EXPECT_EQ(bits_of(problem.by_blocks(isa, {}, false, true, false)), bits_of(problem.on_planes(isa, {}, false, true)));
  }
}

TEST(BlockedDepthwise, DoesNotDependOnThreads) {
  const Problem problem(geometry_of(square(3, 2, 1), 35, 75, 79));
  const int threads = omp_get_max_threads();
  for (const Activation& activation : {Activation::relu(), Activation{ActivationKind::hard_swish, 0, 0}}) {
    omp_set_num_threads(1);
    const std::vector<float> alone = problem.by_blocks(selected_isa(), activation, true, true, false);
    omp_set_num_threads(2);
    EXPECT_EQ(problem.by_blocks(selected_isa(), activation, true, true, false), alone);
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace titrate::kernels
