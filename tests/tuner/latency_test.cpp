#include "tuner/latency.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

// Coverage by the binomial distribution: 6 -> 0.969, 20 -> 0.959, 30 -> 0.957; with the next ranks inside less than 0.95.
TEST(MedianInterval, KnownRanks) {
  using Ranks = std::pair<int, int>;
  EXPECT_EQ(median_interval(1), Ranks(1, 1));
  EXPECT_EQ(median_interval(5), Ranks(1, 5));  // 0.9375: all there is
  EXPECT_EQ(median_interval(6), Ranks(1, 6));
  EXPECT_EQ(median_interval(9), Ranks(2, 8));
  EXPECT_EQ(median_interval(10), Ranks(2, 9));
  EXPECT_EQ(median_interval(15), Ranks(4, 12));
  EXPECT_EQ(median_interval(20), Ranks(6, 15));
  EXPECT_EQ(median_interval(30), Ranks(10, 21));
}

TEST(Summarize, QuantilesOfTheTimes) {
  const Latency latency = summarize(std::vector<double>{5, 1, 4, 2, 3, 11, 7, 6, 8, 9, 10});
  EXPECT_DOUBLE_EQ(latency.median_ms, 6);
  EXPECT_DOUBLE_EQ(latency.p10_ms, 2);
  EXPECT_DOUBLE_EQ(latency.p90_ms, 10);
  EXPECT_DOUBLE_EQ(latency.minimum_ms, 1);
  EXPECT_EQ(latency.repetitions, 11);
}

TEST(Summarize, OneTimeHasNoNoise) {
  const Latency latency = summarize(std::vector<double>{3});
  EXPECT_DOUBLE_EQ(latency.median_ms, 3);
  EXPECT_DOUBLE_EQ(latency.noise_ms, 0);
}

// The same numbers: scattered from run to run they say much about the median, drifting they say little.
TEST(Summarize, DriftIsNoise) {
  std::vector<double> drifting;
  std::vector<double> scattered;
  for (int run = 0; run < 200; ++run) {
    drifting.push_back(10 + run / 100.0);
    scattered.push_back(10 + run * 77 % 200 / 100.0);
  }
  EXPECT_DOUBLE_EQ(summarize(drifting).median_ms, summarize(scattered).median_ms);
  EXPECT_NEAR(summarize(drifting).noise_ms, 0.45, 0.01);  // 20 rounds, 0.1 apart: ranks 6 and 15
  EXPECT_LT(summarize(scattered).noise_ms, 0.2);
}

TEST(MeasureLatency, WarmsUpAndRepeats) {
  int runs = 0;
  const Latency latency = measure_latency([&] { ++runs; }, {.seconds = 0});
  EXPECT_GE(latency.warm_up, 3);
  EXPECT_GE(latency.repetitions, 6);
  EXPECT_EQ(runs, latency.warm_up + latency.repetitions);
  EXPECT_LE(latency.p10_ms, latency.median_ms);
  EXPECT_LE(latency.median_ms, latency.p90_ms);
}

TEST(MeasureLatency, CanBeCancelled) {
  int runs = 0;
  const LatencyOptions options{.seconds = 1000, .cancelled = [&] { return runs >= 5; }};
  try {
    (void)measure_latency([&] { ++runs; }, options);
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::interrupted);
  }
  EXPECT_EQ(runs, 5);
}

}  // namespace
}  // namespace titrate
