#include "tuner/sample_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(SampleLoop, RunsEachSampleOnceAndFinishesInOrder) {
  for (const int threads : {1, 3}) {
    std::vector<std::atomic<int>> runs(150);
    std::vector<std::int64_t> finished;
    for_each_sample(
        150, {.threads = threads},
        [&](int worker, std::int64_t index) {
          EXPECT_TRUE(worker >= 0 && worker < threads);
          ++runs[static_cast<std::size_t>(index)];
        },
        [&](std::int64_t index) {
          EXPECT_EQ(runs[static_cast<std::size_t>(index)], 1);
          finished.push_back(index);
        });
    std::vector<std::int64_t> expected(150);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(finished, expected);
    EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& count) { return count == 1; }));
  }
}

TEST(SampleLoop, SaysHowFarItIs) {
  std::vector<std::pair<std::int64_t, std::int64_t>> told;
  for_each_sample(
      130, {.threads = 2, .progress = [&](std::int64_t done, std::int64_t total) { told.emplace_back(done, total); }},
      [](int, std::int64_t) {}, [](std::int64_t) {});
  EXPECT_THAT(told, ElementsAre(Pair(64, 130), Pair(128, 130), Pair(130, 130)));
}

TEST(SampleLoop, NoSamplesIsNoWork) {
  for_each_sample(
      0, {.threads = 2}, [](int, std::int64_t) { FAIL(); }, [](std::int64_t) { FAIL(); });
}

TEST(SampleLoop, AnExceptionOfAWorkerIsThrownByTheLoop) {
  for (const int threads : {1, 3}) {
    std::vector<std::int64_t> finished;
    const auto run = [](int, std::int64_t index) {
      if (index == 70) throw std::runtime_error("sample 70");
    };
    try {
      for_each_sample(200, {.threads = threads}, run, [&](std::int64_t index) { finished.push_back(index); });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "sample 70");
    }
    EXPECT_EQ(finished.size(), 64U);  // the block before
  }
}

TEST(SampleLoop, GivesUpWhenCancelled) {
  std::atomic<int> runs = 0;
  std::atomic<bool> cancelled = false;
  const auto run = [&](int, std::int64_t) {
    if (++runs == 10) cancelled = true;
  };
  try {
    for_each_sample(10'000, {.threads = 2, .cancelled = [&] { return cancelled.load(); }}, run, [](std::int64_t) {});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::interrupted);
  }
  EXPECT_LT(runs, 64);
}

TEST(SampleLoop, KernelsUseAsManyThreadsAsWereAskedFor) {
  const int before = omp_get_max_threads();
  int inside = 0;
  for_each_sample(
      1, {.threads = before + 2}, [](int, std::int64_t) {}, [&](std::int64_t) { inside = omp_get_max_threads(); });
  EXPECT_EQ(inside, before + 2);
  EXPECT_EQ(omp_get_max_threads(), before);
}

}  // namespace
}  // namespace titrate
