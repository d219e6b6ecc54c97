// Operators whose loops several threads share give what one thread gives.
#include <omp.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/ops/one_node.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;

// Numbers that tell their places apart, small enough to be added and multiplied.
Tensor counted(Shape shape) {
  std::vector<float> elements(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t at = 0; at < elements.size(); ++at) elements[at] = static_cast<float>(at % 100003) / 1024.0F - 40.0F;
  return Tensor::of(shape, elements);
}

Tensor integers_of(const Integers& numbers) { return Tensor::of(Shape{static_cast<std::int64_t>(numbers.size())}, numbers); }

std::vector<Tensor> with_threads(int threads, const OneNode& node) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  std::vector<Tensor> results = node.run_all();
  omp_set_num_threads(before);
  return results;
}

void expect_same_on_all_threads(const OneNode& node, const std::string& what) {
  const std::vector<Tensor> alone = with_threads(1, node);
  const std::vector<Tensor> shared = with_threads(3, node);
  ASSERT_EQ(alone.size(), shared.size());
  for (std::size_t output = 0; output < alone.size(); ++output) {
    ASSERT_EQ(alone[output].shape(), shared[output].shape());
    EXPECT_TRUE(std::ranges::equal(alone[output].bytes(), shared[output].bytes())) << what << ", output " << output;
  }
}

TEST(SharedLoops, TransposeMovesEveryElementOfLargePlanes) {
  for (const Shape& shape : {Shape{1, 3, 211, 197}, Shape{1, 70, 31, 41}, Shape{5, 40, 30, 37}, Shape{300, 2, 11, 13}}) {
    const Tensor input = counted(shape);
    const Integers strides = {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1};
    Integers order = {0, 1, 2, 3};
    do {
      const Tensor output = with_threads(3, OneNode{"Transpose", 13, {input}, {{"perm", order, {}}}})[0];
      const auto moved = output.data<float>();
      const Shape& sizes = output.shape();
      std::size_t at = 0;
      std::size_t wrong = 0;
      for (std::int64_t a = 0; a < sizes[0]; ++a) {
        for (std::int64_t b = 0; b < sizes[1]; ++b) {
          for (std::int64_t c = 0; c < sizes[2]; ++c) {
            for (std::int64_t d = 0; d < sizes[3]; ++d, ++at) {
              const auto step = [&](std::size_t axis) { return strides[static_cast<std::size_t>(order[axis])]; };
              wrong += moved[at] != input.data<float>()[static_cast<std::size_t>(a * step(0) + b * step(1) + c * step(2) + d * step(3))];
            }
          }
        }
      }
      ASSERT_EQ(wrong, 0U) << to_text(shape) << " to " << to_text(sizes);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(SharedLoops, PairsAreBroadcastAsByOneThread) {
  const std::pair<Shape, Shape> pairs[] = {{{1, 50, 33, 41}, {1, 50, 33, 41}},
                                           {{50, 33, 41}, {50, 1, 1}},
                                           {{100001}, {1}},
                                           {{1}, {100001}},
                                           {{300, 257}, {257}},
                                           {{2, 40001}, {2, 1}},
                                           {{7, 1, 129}, {61, 1}}};
  for (const auto& [left, right] : pairs) {
    for (const char* type : {"Add", "Sub", "Mul", "Div", "Max", "Mean", "Greater"}) {
      expect_same_on_all_threads(OneNode{type, 13, {counted(left), counted(right)}, {}}, type + to_text(left) + to_text(right));
    }
  }
  expect_same_on_all_threads(OneNode{"Sum", 13, {counted({50, 1, 41}), counted({33, 1}), counted({50, 33, 41})}, {}}, "Sum");
}

TEST(SharedLoops, IntegersDividedByZeroAreAnErrorStill) {
  const Tensor numbers = Tensor::of(Shape{70000}, Integers(70000, 6));
  EXPECT_THROW((void)with_threads(3, OneNode{"Div", 14, {numbers, integers_of({0})}, {}}), Error);
}

TEST(SharedLoops, FunctionsOfOneNumber) {
  for (const char* type : {"Abs", "Neg", "Floor", "Sqrt", "Exp", "Erf", "Reciprocal"})
    expect_same_on_all_threads(OneNode{type, 13, {counted({50001})}, {}}, type);
}

TEST(SharedLoops, SlicesJoinsAndParts) {
  const Tensor image = counted({1, 3, 208, 210});
  for (const auto& [starts, steps] : {std::pair<Integers, Integers>{{0, 1}, {2, 2}}, {{5, 7}, {1, 1}}, {{207, 209}, {-1, -1}}}) {
    const bool backwards = steps[0] < 0;
    const Integers ends = backwards ? Integers{-1000, -1000} : Integers{1000, 1000};
    expect_same_on_all_threads(
        OneNode{"Slice", 13, {image, integers_of(starts), integers_of(ends), integers_of({2, 3}), integers_of(steps)}, {}}, "Slice");
  }
  for (const std::int64_t axis : {0, 1, 2, 3})
    expect_same_on_all_threads(OneNode{"Concat", 13, {image, image, image}, {{"axis", axis, {}}}}, "Concat " + std::to_string(axis));
  expect_same_on_all_threads(OneNode{"Concat", 13, {counted({9000, 4}), counted({9000, 1}), counted({9000, 7})}, {{"axis", 1, {}}}},
                             "Concat");
  expect_same_on_all_threads(OneNode{"Concat", 13, {counted({40000, 1}), counted({40000, 1})}, {{"axis", 1, {}}}}, "Concat of columns");
  OneNode parts{"Split", 13, {image, integers_of({100, 8, 102})}, {{"axis", 3, {}}}, 3};
  expect_same_on_all_threads(parts, "Split");
  expect_same_on_all_threads(OneNode{"Expand", 13, {counted({300, 1}), integers_of({3, 300, 70})}, {}}, "Expand");
}

TEST(SharedLoops, ResizedAndPaddedImages) {
  const Tensor image = counted({2, 17, 40, 44});
  const std::vector<float> factors = {1.0F, 1.0F, 2.0F, 1.5F};
  const Tensor scales = Tensor::of(Shape{4}, factors);
  for (const char* mode : {"nearest", "linear", "cubic"})
    expect_same_on_all_threads(OneNode{"Resize", 13, {image, Tensor{}, scales}, {{"mode", std::string(mode), {}}}}, mode);
  expect_same_on_all_threads(OneNode{"Pad", 13, {image, integers_of({1, 0, 2, 3, 0, 4, 1, 5})}, {}}, "Pad");
}

}  // namespace
}  // namespace titrate::engine
