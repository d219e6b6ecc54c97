#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "strategies/permutation.hpp"
#include "tests/strategies/simulated_model.hpp"

namespace titrate {
namespace {

using ::testing::ElementsAre;

TEST(SplitMix64, GivesThePublishedNumbers) {
  // The first outputs for seed 1234567, as in the reference implementation's test vectors.
  SplitMix64 random(1234567);
  EXPECT_EQ(random(), 6457827717110365317U);
  EXPECT_EQ(random(), 3203168211198807973U);
  EXPECT_EQ(random(), 9817491932198370423U);
}

TEST(Permutation, IsFrozen) {
  // Computed by another implementation; a study that is resumed elsewhere must go on in the same order.
  EXPECT_THAT(permutation(10, 0), ElementsAre(6, 3, 2, 9, 8, 1, 4, 7, 0, 5));
  EXPECT_THAT(permutation(10, 42), ElementsAre(0, 9, 5, 8, 6, 4, 7, 2, 1, 3));
  EXPECT_TRUE(permutation(0, 1).empty());
  EXPECT_THAT(permutation(1, 1), ElementsAre(0));
}

TEST(Permutation, EveryOrderIsAboutAsLikely) {
  std::map<std::vector<std::size_t>, int> counts;
  for (std::uint64_t seed = 0; seed < 24'000; ++seed) ++counts[permutation(4, seed)];
  EXPECT_EQ(counts.size(), 24U);
  // 1000 expected, standard deviation 31.
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 160);
}

TEST(RandomStrategy, TakesThePermutationOfItsSeed) {
  const Space space{parse_config_set("rtn(bits=[2,3,4,5,6,7,8])"), {}};
  simulated::Model model;
  model.tolerable_loss = -1;
  std::vector<std::string> expected;
  for (const std::size_t index : permutation(7, 42)) expected.push_back(to_text(space.configs[index]));
  const auto strategy = make_strategy("random");
  const auto measure = [&](const Config& config, int number) { return model.measure(config, number); };
  EXPECT_EQ(simulated::configs_of(simulated::run(*strategy, space, {}, 42, measure)), expected);
  EXPECT_NE(simulated::configs_of(simulated::run(*strategy, space, {}, 43, measure)), expected);
}

TEST(ExhaustiveStrategy, KeepsTheOrderOfTheList) {
  simulated::Model model;
  model.tolerable_loss = -1;
  const auto trials = simulated::run(*make_strategy("exhaustive"), model, "fp8();rtn(bits=[8,2]);float", {});
  EXPECT_THAT(simulated::configs_of(trials), ElementsAre("fp8()", "rtn(bits=8)", "rtn(bits=2)", "float"));
}

}  // namespace
}  // namespace titrate
