// Depthwise filters that have a kernel for whole planes, and those that have not, against the definition; one thread and several.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/kernels/convolution/depthwise.hpp"
#include "engine/kernels/convolution/plain.hpp"

namespace titrate::kernels {
namespace {

std::vector<float> numbers(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> all(count);
  for (float& value : all) value = distribution(random);
  return all;
}

ConvolutionGeometry geometry_of(std::int64_t taps, std::int64_t stride, std::int64_t height, std::int64_t width, std::int64_t pad) {
  ConvolutionGeometry geometry;
  geometry.batch = 2;
  geometry.groups = 3;
  geometry.filters = 2;
  geometry.input = {1, height, width};
  geometry.kernel = {1, taps, taps};
  geometry.stride = {1, stride, stride};
  geometry.pad = {0, pad, pad};
  geometry.output = {1, (height + 2 * pad - taps) / stride + 1, (width + 2 * pad - taps) / stride + 1};
  return geometry;
}

struct Problem {
  ConvolutionGeometry geometry;
  std::vector<float> input, filters, bias, addend;

  explicit Problem(const ConvolutionGeometry& sizes) : geometry(sizes) {
    std::mt19937 random(5);
    input = numbers(static_cast<std::size_t>(sizes.batch * sizes.groups * sizes.input_size()), random);
    filters = numbers(static_cast<std::size_t>(sizes.groups * sizes.filters * sizes.taps()), random);
    bias = numbers(static_cast<std::size_t>(sizes.groups * sizes.filters), random);
    addend = numbers(static_cast<std::size_t>(sizes.batch * sizes.groups * sizes.filters * sizes.output_size()), random);
  }

  [[nodiscard]] std::vector<float> run(Isa isa, const Activation& activation, bool adds) const {
    constexpr float mark = 1234.5F;
    std::vector<float> scratch(depthwise_scratch(depthwise_kernel(isa), geometry) + 64, mark);
    std::vector<float> output(addend.size() + 64, mark);
    const Epilogue epilogue(isa, activation, adds ? addend.data() : nullptr);
    convolve_depthwise(depthwise_kernel(isa), geometry, filters.data(), bias.data(), input.data(), output.data(),
                       std::span(scratch).first(scratch.size() - 64), epilogue);
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(scratch[scratch.size() - 64 + i], mark);
      EXPECT_EQ(output[addend.size() + i], mark);
    }
    output.resize(addend.size());
    return output;
  }
};

void expect_right(const ConvolutionGeometry& geometry) {
  SCOPED_TRACE(testing::Message() << geometry.kernel[1] << " taps, stride " << geometry.stride[1] << ", " << geometry.input[1] << " x "
                                  << geometry.input[2] << ", padded by " << geometry.pad[1]);
  const Problem problem(geometry);
  std::vector<float> plain(problem.addend.size());
  convolve_plainly<float>(geometry, problem.input.data(), problem.filters.data(), problem.bias.data(), plain.data());
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    const std::vector<float> sums = problem.run(isa, {}, false);
    for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(sums[i], plain[i], 1e-5) << i;
    for (const Activation& activation : {Activation::relu(), Activation{ActivationKind::hard_sigmoid, 0.2F, 0.5F}}) {
      for (const bool adds : {false, true}) {
        std::vector<float> expected = sums;
        Epilogue(isa, activation, adds ? problem.addend.data() : nullptr).finish(expected.data(), 0, expected.size());
        ASSERT_EQ(problem.run(isa, activation, adds), expected);
      }
    }
  }
}

TEST(DepthwisePlanes, EqualTheDefinitionAtEveryWidth) {
  for (const std::int64_t taps : {3, 5}) {
    for (const std::int64_t stride : {1, 2}) {
      for (std::int64_t width = 1; width <= 40; ++width) {
        for (const std::int64_t pad : {0, 1, 2}) {
          if (width + 2 * pad >= taps) expect_right(geometry_of(taps, stride, 6, width, pad));
        }
      }
      expect_right(geometry_of(taps, stride, 23, 150, 1));
    }
  }
}

// All channels of a problem, by the kernel that takes one at a time.
std::vector<float> planes_one_by_one(const DepthwiseKernel& kernel, const Problem& problem, const float* bounds) {
  const ConvolutionGeometry& geometry = problem.geometry;
  const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
  const auto taps = size(geometry.kernel[1]);
  const PaddedRows rows(size(geometry.output[1]), size(geometry.output[2]), taps, size(geometry.stride[1]));
  std::vector<float> padded(padded_plane_size(rows), 0.0F);
  std::vector<float> outputs(size(geometry.groups * geometry.output_size()));
  for (std::size_t channel = 0; channel < size(geometry.groups); ++channel) {
    kernel.planes[taps == 5 ? 1 : 0][geometry.stride[1] - 1]({.image = problem.input.data() + channel * size(geometry.input_size()),
                                                              .rows = size(geometry.input[1]),
                                                              .columns = size(geometry.input[2]),
                                                              .pad_top = size(geometry.pad[1]),
                                                              .pad_left = size(geometry.pad[2]),
                                                              .weights = problem.filters.data() + channel * taps * taps,
                                                              .start = problem.bias[channel],
                                                              .bounds = bounds,
                                                              .outputs = outputs.data() + channel * size(geometry.output_size()),
                                                              .output_rows = size(geometry.output[1]),
                                                              .output_columns = size(geometry.output[2]),
                                                              .padded = padded.data()});
  }
  return outputs;
}

// The same by the kernel that takes as many as a register holds, with a mark behind what it may write.
std::vector<float> planes_together(const DepthwiseKernel& kernel, const Problem& problem, const float* bounds) {
  constexpr float mark = 1234.5F;
  const ConvolutionGeometry& geometry = problem.geometry;
  const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
  const auto taps = size(geometry.kernel[1]);
  std::vector<float> outputs(size(geometry.groups * geometry.output_size()) + 1, mark);
  DepthwiseChannels work{.channels = 0,
                         .image = nullptr,
                         .rows = size(geometry.input[1]),
                         .columns = size(geometry.input[2]),
                         .pad_top = size(geometry.pad[1]),
                         .pad_left = size(geometry.pad[2]),
                         .weights = nullptr,
                         .start = nullptr,
                         .bounds = bounds,
                         .outputs = nullptr,
                         .output_rows = size(geometry.output[1]),
                         .output_columns = size(geometry.output[2]),
                         .padded = nullptr};
  const std::size_t need = padded_channels_size(work, PaddedChannels(work, taps, size(geometry.stride[1])), kernel.lanes);
  std::vector<float> padded(need + 1, 0.0F);
  padded[need] = mark;
  work.padded = padded.data();
  for (std::size_t channel = 0; channel < size(geometry.groups); channel += kernel.lanes) {
    work.channels = std::min(kernel.lanes, size(geometry.groups) - channel);
    work.image = problem.input.data() + channel * size(geometry.input_size());
    work.weights = problem.filters.data() + channel * taps * taps;
    work.start = problem.bias.data() + channel;
    work.outputs = outputs.data() + channel * size(geometry.output_size());
    kernel.channels[taps == 5 ? 1 : 0][geometry.stride[1] - 1](work);
    EXPECT_EQ(padded[need], mark);
    EXPECT_EQ(outputs[std::min(channel + kernel.lanes, size(geometry.groups)) * size(geometry.output_size())], mark);
  }
  outputs.pop_back();
  return outputs;
}

TEST(DepthwisePlanes, ChannelsTogetherGiveTheBitsOfOneByOne) {
  const float bounds[2] = {-0.25F, 0.5F};
  for (const Isa isa : runnable_isas()) {
    SCOPED_TRACE(name_of(isa));
    const DepthwiseKernel kernel = depthwise_kernel(isa);
    for (const std::int64_t taps : {3, 5}) {
      for (const std::int64_t stride : {1, 2}) {
        for (const std::int64_t width : {5, 7, 8, 9, 13, 14, 17, 28}) {
          for (const std::int64_t pad : {0, 1, 2, 7}) {
            for (const std::int64_t groups : {1, 7, 8, 9, 19, 33}) {
              ConvolutionGeometry geometry = geometry_of(taps, stride, 9, width, pad);
              geometry.batch = 1;
              geometry.filters = 1;
              geometry.groups = groups;
              if (geometry.output_size() < static_cast<std::int64_t>(kernel.lanes)) continue;
              const Problem problem(geometry);
              for (const float* limits : {static_cast<const float*>(nullptr), &bounds[0]}) {
                ASSERT_EQ(planes_together(kernel, problem, limits), planes_one_by_one(kernel, problem, limits))
                    << taps << " taps, stride " << stride << ", " << width << " columns, padded by " << pad << ", " << groups
                    << " channels";
              }
            }
          }
        }
      }
    }
  }
}

TEST(DepthwisePlanes, MorePaddingThanTaps) {
  expect_right(geometry_of(3, 1, 2, 3, 6));
  expect_right(geometry_of(3, 2, 2, 3, 7));
}

TEST(DepthwisePlanes, OtherFiltersTakeThePhases) {
  expect_right(geometry_of(4, 1, 9, 11, 1));
  expect_right(geometry_of(3, 3, 9, 31, 1));
  ConvolutionGeometry dilated = geometry_of(3, 1, 12, 13, 2);
  dilated.dilation = {1, 2, 2};
  dilated.output = {1, 12, 13};
  expect_right(dilated);
  ConvolutionGeometry oblong = geometry_of(3, 1, 12, 13, 1);
  oblong.kernel = {1, 3, 1};
  oblong.output = {1, 12, 15};
  expect_right(oblong);
}

TEST(DepthwisePlanes, DoNotDependOnThreads) {
  const Problem problem(geometry_of(3, 2, 15, 19, 1));
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<float> alone = problem.run(selected_isa(), Activation::relu(), true);
  omp_set_num_threads(3);
  EXPECT_EQ(problem.run(selected_isa(), Activation::relu(), true), alone);
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace titrate::kernels
