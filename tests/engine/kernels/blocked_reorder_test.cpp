#include <gtest/gtest.h>

#include "engine/kernels/channel_blocks/reorder.hpp"
#include "tests/engine/kernels/blocked_images.hpp"
#include "tests/engine/kernels/float_numbers.hpp"

namespace titrate::kernels {
namespace {

class BlockedReorder : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, BlockedReorder, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

TEST_P(BlockedReorder, MovesEveryNumberThereAndBack) {
  constexpr float mark = 1234.5F;
  const std::size_t lanes = channel_lanes(GetParam());
  const ReorderKernels& kernels = reorder_kernels(GetParam());
  std::mt19937 random(3);
  for (std::size_t channels = 1; channels <= lanes; ++channels) {
    for (const std::size_t pixels : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 13U, 49U, 64U, 131U}) {
      const std::vector<float> planes = random_numbers(channels * pixels, random);
      const auto size = [](std::size_t given) { return static_cast<std::int64_t>(given); };
      std::vector<float> expected = images_in_blocks(planes, 1, size(channels), size(pixels), lanes);
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        for (std::size_t lane = channels; lane < lanes; ++lane) expected[pixel * lanes + lane] = 0;
      }
      expected.push_back(mark);
      std::vector<float> block(pixels * lanes + 1, mark);
      kernels.to_block(planes.data(), channels, pixels, block.data());
      ASSERT_EQ(block, expected) << channels << " channels of " << pixels << " pixels";
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {  // what is behind the last channel must not come back
        for (std::size_t lane = channels; lane < lanes; ++lane) block[pixel * lanes + lane] = mark;
      }
      std::vector<float> back(planes.size() + 1, mark);
      kernels.from_block(block.data(), channels, pixels, back.data());
      ASSERT_EQ(back.back(), mark);
      back.pop_back();
      ASSERT_EQ(back, planes) << channels << " channels of " << pixels << " pixels";
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
