// A value in blocks of channels has the statistics that it has in planes, whatever lies behind its last channel.
#include "engine/quant/statistics_collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAreArray;

// What may lie there, though operators promise finite numbers.
float behind(std::size_t index) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float odd[] = {1e30F, -1e30F, 0.0F, infinity, std::numeric_limits<float>::quiet_NaN()};
  return odd[index % std::size(odd)];
}

Tensor in_blocks(const Tensor& planes, std::int64_t lanes) {
  const Shape& shape = planes.shape();
  const std::int64_t blocks = (shape[1] + lanes - 1) / lanes;
  Tensor tensor = Tensor::uninitialized(DataType::float32, {shape[0], blocks, shape[2], shape[3], lanes});
  const std::int64_t pixels = shape[2] * shape[3];
  const std::span<float> numbers = tensor.mutable_data<float>();
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    const auto at = static_cast<std::int64_t>(index);
    const std::int64_t channel = at / (pixels * lanes) % blocks * lanes + at % lanes;
    const std::int64_t image = at / (pixels * lanes * blocks);
    const std::int64_t source = (image * shape[1] + channel) * pixels + at / lanes % pixels;
    numbers[index] = channel < shape[1] ? planes.data<float>()[static_cast<std::size_t>(source)] : behind(index);
  }
  return tensor;
}

// Under two names.
CalibrationStatistics collected(const std::vector<Tensor>& samples, std::int64_t channels) {
  Graph graph;
  const ValueId id = graph.add_value("v");
  graph.kept = {{.name = "v", .value = id, .channels = channels}, {.name = "same", .value = id, .channels = channels}};
  StatisticsCollector collector(graph, true);
  StatisticsCollector::Worker worker(collector);
  for (const Tensor& sample : samples) {
    StatisticsCollector::Extents extents;
    worker.begin(extents);
    worker.observe(id, sample);
    collector.add(extents);
  }
  collector.add(worker);
  return collector.take();
}

TEST(StatisticsCollector, FindsInBlocksWhatPlanesHave) {
  for (const std::int64_t lanes : {8, 16}) {
    for (const std::int64_t channels : {1, 5, 8, 15, 16, 17, 40}) {
      SCOPED_TRACE(testing::Message() << channels << " channels in blocks of " << lanes);
      std::vector<Tensor> planes;
      std::vector<Tensor> blocks;
      for (std::uint32_t sample = 0; sample < 4; ++sample) {
        planes.push_back(numbers({2, channels, 5, 7}, sample + 1, static_cast<float>(sample + 1)));
        planes.back().mutable_data<float>()[3] = sample == 2 ? std::numeric_limits<float>::infinity() : -0.0F;
        blocks.push_back(in_blocks(planes.back(), lanes));
      }
      const ValueStatistics expected = collected(planes, 0).at("v");
      for (const auto& [name, found] : collected(blocks, channels)) {
        SCOPED_TRACE(name);
        EXPECT_EQ(found.low, expected.low);
        EXPECT_EQ(found.high, expected.high);
        EXPECT_EQ(found.average_low, expected.average_low);
        EXPECT_EQ(found.average_high, expected.average_high);
        EXPECT_EQ(found.samples, 4U);
        EXPECT_EQ(found.not_finite, 1U);
        EXPECT_EQ(found.histogram.width_log2(), expected.histogram.width_log2());
        EXPECT_THAT(found.histogram.positive(),
                    ElementsAreArray(expected.histogram.positive().begin(), expected.histogram.positive().end()));
        EXPECT_THAT(found.histogram.negative(),
                    ElementsAreArray(expected.histogram.negative().begin(), expected.histogram.negative().end()));
      }
    }
  }
  EXPECT_EQ(collected({numbers({1, 8, 2, 2})}, 0).size(), 2U);
}

// Which of both zeros comes first depends on the order.
TEST(StatisticsCollector, ABoundOfZeroHasNoSign) {
  for (const std::vector<float>& zeros : {std::vector{-0.0F, 0.0F}, std::vector{0.0F, -0.0F}, std::vector{-0.0F}}) {
    const SampleExtent extent = extent_of(zeros);
    EXPECT_FALSE(std::signbit(extent.low));
    EXPECT_FALSE(std::signbit(extent.high));
  }
}

}  // namespace
}  // namespace titrate::engine
