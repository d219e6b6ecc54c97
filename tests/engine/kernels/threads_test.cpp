#include "engine/kernels/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace titrate::kernels {
namespace {

class Threads : public testing::Test {
 protected:
  void SetUp() override { omp_set_num_threads(3); }
  void TearDown() override { omp_set_num_threads(before_); }

 private:
  int before_ = omp_get_max_threads();
};

void expect_each_index_once(std::size_t count) {
  std::vector<std::atomic<int>> calls(count);
  std::atomic<bool> in_range = true;
  parallel_for(count, [&](std::size_t index, std::size_t thread) {
    ++calls[index];
    if (thread >= 3) in_range = false;
  });
  EXPECT_TRUE(in_range);
  for (std::size_t index = 0; index < count; ++index) ASSERT_EQ(calls[index], 1) << index << " of " << count;
}

TEST_F(Threads, EachIndexIsCalledOnce) {
  for (std::size_t count = 0; count < 60; ++count) expect_each_index_once(count);
  expect_each_index_once(10000);
}

TEST_F(Threads, ManyShortLoopsFollowEachOther) {
  std::vector<std::size_t> sums(3);
  std::size_t expected = 0;
  for (std::size_t loop = 0; loop < 5000; ++loop) {
    parallel_for(7, [&](std::size_t index, std::size_t thread) { sums[thread] += index + loop; });
    expected += 21 + 7 * loop;
  }
  EXPECT_EQ(sums[0] + sums[1] + sums[2], expected);
}

TEST_F(Threads, ALoopInsideALoopRunsAlone) {
  EXPECT_EQ(thread_count(), 3);
  std::atomic<int> most = 0;
  std::atomic<int> calls = 0;
  parallel_for(20, [&](std::size_t, std::size_t) {
    if (thread_count() > most) most = thread_count();
    parallel_for(5, [&](std::size_t, std::size_t thread) { calls += thread == 0 ? 1 : 100; });
  });
  EXPECT_EQ(most, 1);
  EXPECT_EQ(calls, 100);
  EXPECT_EQ(thread_count(), 3);
}

TEST_F(Threads, WorkThatIsToldToStaysOnItsThread) {
  const std::thread::id own = std::this_thread::get_id();
  const OneThread not_alone(false);
  EXPECT_EQ(thread_count(), 3);
  {
    const OneThread alone(true);
    const OneThread within(false);
    EXPECT_EQ(thread_count(), 1);
    std::size_t calls = 0;
    parallel_for(1000, [&](std::size_t, std::size_t thread) { calls += thread == 0 && std::this_thread::get_id() == own ? 1 : 0; });
    EXPECT_EQ(calls, 1000U);
  }
  EXPECT_EQ(thread_count(), 3);
}

TEST_F(Threads, LoopsOfSeveralThreadsAtOnce) {
  std::atomic<std::size_t> sum = 0;
  const auto loops = [&] {
    omp_set_num_threads(3);
    for (int loop = 0; loop < 500; ++loop) parallel_for(9, [&](std::size_t index, std::size_t) { sum += index; });
  };
  std::thread other(loops);
  loops();
  other.join();
  EXPECT_EQ(sum, 2U * 500U * 36U);
}

}  // namespace
}  // namespace titrate::kernels
