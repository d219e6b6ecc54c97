// Reductions, rankings, resizing, contractions and recurrent cells by hand.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "tests/engine/ops/one_node.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using Integers = std::vector<std::int64_t>;

Tensor counted(Shape shape) {
  std::vector<float> elements(static_cast<std::size_t>(element_count(shape)));
  std::iota(elements.begin(), elements.end(), 0.0F);
  return floats(std::move(shape), elements);
}

// Every set of axes of a tensor of four against sums in the plainest order.
TEST(Reduction, SumsOverEverySetOfAxes) {
  const Shape shape = {2, 3, 1, 37};
  const Tensor input = counted(shape);
  for (unsigned set = 1; set < 16; ++set) {
    Integers axes;
    Shape kept;
    for (std::int64_t axis = 0; axis < 4; ++axis) {
      const bool reduced = (set >> axis & 1U) != 0;
      if (reduced) axes.push_back(axis);
      kept.push_back(reduced ? 1 : shape[static_cast<std::size_t>(axis)]);
    }
    std::vector<double> expected(static_cast<std::size_t>(element_count(kept)), 0.0);
    for (std::int64_t at = 0; at < input.elements(); ++at) {
      std::int64_t rest = at, place = 0, stride = 1;
      for (std::size_t axis = 4; axis-- > 0;) {
        if (kept[axis] != 1) place += rest % shape[axis] * stride;
        if (kept[axis] != 1) stride *= kept[axis];
        rest /= shape[axis];
      }
      expected[static_cast<std::size_t>(place)] += static_cast<double>(at);
    }
    const Tensor sums = OneNode{"ReduceSum", 13, {input, integers(axes)}, {}}.run();
    EXPECT_EQ(sums.shape(), kept);
    EXPECT_EQ(to_doubles(sums), expected) << set;
  }
}

TEST(Reduction, AxesAreAnAttributeInOldOpsets) {
  const std::vector<Attribute> attributes = {{"axes", Integers{-1}, {}}, {"keepdims", std::int64_t{0}, {}}};
  EXPECT_THAT(elements_of<float>(OneNode{"ReduceMean", 11, {counted({2, 4})}, attributes}.run()), ElementsAre(1.5F, 5.5F));
  EXPECT_THAT(elements_of<float>(OneNode{"ReduceMax", 13, {counted({2, 4})}, attributes}.run()), ElementsAre(3, 7));
  EXPECT_THROW((void)(OneNode{"ReduceSum", 11, {counted({2})}, {{"axes", Integers{1}, {}}}}.run()), Error);
  EXPECT_THROW((void)(OneNode{"ReduceSum", 11, {counted({2, 2})}, {{"axes", Integers{0, 0}, {}}}}.run()), Error);
}

TEST(Reduction, LogSumExpDoesNotOverflow) {
  const Tensor result = OneNode{"ReduceLogSumExp", 18, {floats({3}, {1000, 1000, -1000})}, {}}.run();
  EXPECT_THAT(elements_of<float>(result), ElementsAre(FloatNear(1000.0F + std::log(2.0F), 1e-3F)));
}

TEST(TopK, TiesKeepTheirOrderAndKMayBeAnAttribute) {
  const Tensor input = floats({5}, {1, 3, 3, 2, 3});
  const std::vector<Tensor> found = OneNode{"TopK", 11, {input, integers({4})}, {}, 2}.run_all();
  EXPECT_THAT(elements_of<float>(found[0]), ElementsAre(3, 3, 3, 2));
  EXPECT_THAT(elements_of<std::int64_t>(found[1]), ElementsAre(1, 2, 4, 3));
  EXPECT_THAT(elements_of<std::int64_t>(OneNode{"TopK", 9, {input}, {{"k", std::int64_t{1}, {}}}, 2}.run_all()[1]), ElementsAre(1));
  EXPECT_THROW((void)(OneNode{"TopK", 11, {input, integers({6})}, {}, 2}.run_all()), Error);
  EXPECT_THROW((void)(OneNode{"TopK", 11, {input, integers({-1})}, {}, 2}.run_all()), Error);
}

TEST(Resize, OldOpsetsTakeTheLowerNeighbour) {
  EXPECT_THAT(elements_of<float>(OneNode{"Upsample", 9, {counted({2}), floats({1}, {2})}, {}}.run()), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(elements_of<float>(OneNode{"Upsample", 7, {counted({2})}, {{"scales", std::vector<float>{2}, {}}}}.run()),
              ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(elements_of<float>(OneNode{"Resize", 10, {counted({4}), floats({1}, {0.5F})}, {}}.run()), ElementsAre(0, 2));
}

TEST(Resize, ScalesWithoutMeaningAreRefused) {
  for (const float scale : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30F}) {
    EXPECT_THROW((void)(OneNode{"Resize", 13, {counted({2}), Tensor{}, floats({1}, {scale})}, {}}.run()), Error) << scale;
  }
}

TEST(Resize, BatchMayBeUnknown) {
  const Tensor scales = floats({4}, {1, 1, 2, 2});
  const OneNode node{"Resize", 13, {counted({1}), Tensor{}, scales}, {}};
  const std::vector<OutputType> outputs = node.infer({{.present = true, .type = DataType::float32, .shape = Shape{-1, 3, 4, 5}},
                                                      {},
                                                      {.present = true, .type = DataType::float32, .shape = Shape{4}, .value = &scales}});
  EXPECT_EQ(*outputs[0].shape, (Shape{-1, 3, 8, 10}));
}

Tensor einsum(const char* equation, std::vector<Tensor> operands) {
  return OneNode{"Einsum", 12, std::move(operands), {{"equation", std::string(equation), {}}}}.run();
}

TEST(Einsum, ContractsThreeOperandsDiagonalsAndEllipses) {
  const Tensor square = counted({2, 2});
  EXPECT_THAT(elements_of<float>(einsum("ij,jk,kl->il", {square, square, square})), ElementsAre(6, 11, 22, 39));
  EXPECT_THAT(elements_of<float>(einsum("ii", {square})), ElementsAre(3));
  EXPECT_THAT(elements_of<float>(einsum("ii->i", {square})), ElementsAre(0, 3));
  EXPECT_THAT(elements_of<float>(einsum("...i->...", {square})), ElementsAre(1, 5));
  EXPECT_THAT(elements_of<float>(einsum("...,...", {square, floats({2}, {10, 1})})), ElementsAre(0, 1, 20, 3));
  EXPECT_THAT(elements_of<float>(einsum("ij->", {square})), ElementsAre(6));
  EXPECT_THAT(elements_of<float>(einsum("i,j->ji", {floats({2}, {1, 2}), floats({3}, {1, 10, 100})})), ElementsAre(1, 2, 10, 20, 100, 200));
}

TEST(Einsum, EquationsThatDoNotFitAreRefused) {
  const Tensor square = counted({2, 2});
  for (const char* equation : {"i", "ijk", "ij->k", "ij->ii", "i1", "ij,jk", "......", "", "i.j"}) {
    EXPECT_THROW((void)einsum(equation, {square}), Error) << equation;
  }
  EXPECT_THROW((void)einsum("ij,ij", {square, counted({2, 3})}), Error);
}

// One unit, so that every gate can be followed by hand.
TEST(Recurrent, LstmOfOneUnit) {
  const Tensor x = floats({2, 1, 1}, {1, -1});
  const Tensor weights = floats({1, 4, 1}, {0.5F, -0.5F, 1.0F, 2.0F}), recurrence = floats({1, 4, 1}, {0.1F, 0.2F, 0.3F, 0.4F});
  const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
  double h = 0, c = 0;
  std::vector<float> expected;
  for (const double input : {1.0, -1.0}) {
    const double in = sigmoid(0.5 * input + 0.1 * h), out = sigmoid(-0.5 * input + 0.2 * h), forget = sigmoid(input + 0.3 * h);
    c = forget * c + in * std::tanh(2.0 * input + 0.4 * h);
    h = out * std::tanh(c);
    expected.push_back(static_cast<float>(h));
  }
  const std::vector<Tensor> outputs = OneNode{"LSTM", 14, {x, weights, recurrence}, {{"hidden_size", std::int64_t{1}, {}}}, 3}.run_all();
  EXPECT_EQ(outputs[0].shape(), (Shape{2, 1, 1, 1}));
  EXPECT_THAT(elements_of<float>(outputs[0]), testing::Pointwise(FloatNear(1e-6F), expected));
  EXPECT_NEAR(static_cast<double>(elements_of<float>(outputs[2])[0]), c, 1e-6);
}

TEST(Recurrent, ReverseReadsEachSequenceFromItsEnd) {
  const Tensor x = floats({3, 2, 1}, {1, 10, 2, 20, 3, 30});
  const Tensor one = floats({1, 1, 1}, {1});
  const std::vector<Attribute> attributes = {{"direction", std::string("reverse"), {}},
                                             {"activations", std::vector<std::string>{"Affine"}, {}},
                                             {"hidden_size", std::int64_t{1}, {}}};
  const Tensor lengths = Tensor::of<std::int32_t>({2}, {3, 2});
  const std::vector<Tensor> outputs = OneNode{"RNN", 14, {x, one, one, Tensor{}, lengths}, attributes, 2}.run_all();
  EXPECT_THAT(elements_of<float>(outputs[0]), ElementsAre(6, 30, 5, 20, 3, 0));  // running sums from the end
  EXPECT_THAT(elements_of<float>(outputs[1]), ElementsAre(6, 30));
  const Tensor too_long = Tensor::of<std::int32_t>({2}, {4, 2});
  EXPECT_THROW((void)(OneNode{"RNN", 14, {x, one, one, Tensor{}, too_long}, attributes, 2}.run_all()), Error);
}

}  // namespace
}  // namespace titrate::engine
