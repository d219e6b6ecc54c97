#include <gtest/gtest.h>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

TEST(MatMulInteger, SumsAreExactAtAnyDepth) {
  std::mt19937 random(3);
  for (const std::int64_t depth : {1, 7, 256, 257, 1000}) {
    Tensor a = Tensor::uninitialized(DataType::uint8, {3, depth});
    Tensor b = Tensor::uninitialized(DataType::int8, {depth, 5});
    for (auto& code : a.mutable_data<std::uint8_t>()) code = static_cast<std::uint8_t>(random() % 2 == 0 ? 255 : random() % 256);
    for (auto& code : b.mutable_data<std::int8_t>())
      code = static_cast<std::int8_t>(random() % 2 == 0 ? -128 : static_cast<int>(random() % 256) - 128);
    const std::vector<std::uint8_t> a_zero{0, 3, 128};
    const std::vector<std::int8_t> b_zero{0, 127, -128, 1, 2};
    for (const unsigned constants : {0U, 10U}) {
      SingleNode node("MatMulInteger", 10, {a, b, Tensor::of<std::uint8_t>({3}, a_zero), Tensor::of<std::int8_t>({5}, b_zero)});
      node.constants = constants;
      const Tensor y = node.run()[0];
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 5; ++j) {
          std::int32_t sum = 0;
          for (std::size_t k = 0; k < static_cast<std::size_t>(depth); ++k) {
            sum += (a.data<std::uint8_t>()[i * static_cast<std::size_t>(depth) + k] - a_zero[i]) *
                   (b.data<std::int8_t>()[k * 5 + j] - b_zero[j]);
          }
          ASSERT_EQ(y.data<std::int32_t>()[i * 5 + j], sum) << depth;
        }
      }
    }
  }
}

}  // namespace
}  // namespace titrate::engine
