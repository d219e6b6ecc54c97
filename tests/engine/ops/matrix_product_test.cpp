#include "engine/ops/matrix_product.hpp"

#include <gtest/gtest.h>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

struct StackCase {
  Shape a, b, output;
};

class Stacks : public testing::TestWithParam<StackCase> {};

// NumPy's rule, spelled out for one element: positions of the broadcast axes are clamped to sizes of one.
double expected(const StackCase& c, const Tensor& a, const Tensor& b, std::int64_t at) {
  const Shape wide_a = c.a.size() == 1 ? Shape{1, c.a[0]} : c.a;
  const Shape wide_b = c.b.size() == 1 ? Shape{c.b[0], 1} : c.b;
  Shape full = c.output;
  if (c.b.size() == 1) full.push_back(1);
  if (c.a.size() == 1) full.insert(full.end() - 1, 1);
  std::vector<std::int64_t> position(full.size());
  for (std::size_t axis = full.size(); axis-- > 0; at /= full[axis]) position[axis] = at % full[axis];
  const auto offset = [&](const Shape& shape, std::int64_t row, std::int64_t column) {
    std::int64_t index = 0;
    for (std::size_t axis = 0; axis + 2 < shape.size(); ++axis) {
      const std::int64_t place = position[axis + full.size() - shape.size()];
      index = index * shape[axis] + (shape[axis] == 1 ? 0 : place);
    }
    return static_cast<std::size_t>((index * shape[shape.size() - 2] + row) * shape.back() + column);
  };
  double sum = 0;
  for (std::int64_t k = 0; k < wide_a.back(); ++k) {
    sum += to_doubles(a)[offset(wide_a, position[full.size() - 2], k)] * to_doubles(b)[offset(wide_b, k, position.back())];
  }
  return sum;
}

TEST_P(Stacks, MultiplyAsNumPyDoes) {
  const StackCase& c = GetParam();
  std::mt19937 random(11);
  for (const unsigned constants : {0U, 2U}) {
    SingleNode node("MatMul", 13, {random_floats(c.a, random), random_floats(c.b, random)});
    node.constants = constants;
    const Tensor y = node.run()[0];
    ASSERT_EQ(y.shape(), c.output);
    SingleNode wide("MatMul", 13, {to_double(*node.inputs[0]), to_double(*node.inputs[1])});
    const Tensor y64 = wide.run()[0];
    for (std::int64_t at = 0; at < y.elements(); ++at) {
      const double want = expected(c, *node.inputs[0], *node.inputs[1], at);
      ASSERT_NEAR(y.data<float>()[static_cast<std::size_t>(at)], want, 1e-5);
      ASSERT_NEAR(y64.data<double>()[static_cast<std::size_t>(at)], want, 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Stacks,
                         testing::Values(StackCase{{3, 4}, {4, 5}, {3, 5}}, StackCase{{4}, {4, 5}, {5}}, StackCase{{3, 4}, {4}, {3}},
                                         StackCase{{4}, {4}, {}}, StackCase{{2, 3, 4}, {4, 5}, {2, 3, 5}},
                                         StackCase{{3, 4}, {2, 4, 5}, {2, 3, 5}}, StackCase{{2, 1, 3, 4}, {1, 3, 4, 2}, {2, 3, 3, 2}},
                                         StackCase{{4}, {2, 4, 5}, {2, 5}}, StackCase{{2, 3, 4}, {4}, {2, 3}},
                                         StackCase{{2, 3, 4}, {1, 4, 33}, {2, 3, 33}}, StackCase{{17, 40}, {40, 70}, {17, 70}}));

TEST(MatMul, IntegersWrapAround) {
  const Tensor a = Tensor::of<std::int32_t>({1, 2}, std::vector<std::int32_t>{2147483647, 1});
  const Tensor b = Tensor::of<std::int32_t>({2, 1}, std::vector<std::int32_t>{2, 3});
  EXPECT_EQ(SingleNode("MatMul", 13, {a, b}).run()[0].data<std::int32_t>()[0], 1);  // -2 + 3
}

TEST(MatMul, AnEmptyDepthGivesZeros) {
  const Tensor y = SingleNode("MatMul", 13, {Tensor::zeros(DataType::float32, {2, 0}), Tensor::zeros(DataType::float32, {0, 3})}).run()[0];
  EXPECT_EQ(to_doubles(y), std::vector<double>(6, 0.0));
}

TEST(MatMul, RefusesDepthsThatDiffer) {
  SingleNode node("MatMul", 13, {Tensor::zeros(DataType::float32, {2, 3}), Tensor::zeros(DataType::float32, {4, 5})});
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

// By hand: A = [1 2; 3 4], B = [5 6; 7 8], A*B = [19 22; 43 50], A'*B = [26 30; 38 44], A*B' = [17 23; 39 53].
class GemmByHand : public testing::TestWithParam<DataType> {
 protected:
  static Tensor of(Shape shape, const std::vector<float>& numbers) {
    if (GetParam() == DataType::float32) return Tensor::of(std::move(shape), numbers);
    return Tensor::of(std::move(shape), std::vector<double>(numbers.begin(), numbers.end()));
  }
};

TEST_P(GemmByHand, TransposesScalesAndStretches) {
  const Tensor a = of({2, 2}, {1, 2, 3, 4});
  const Tensor b = of({2, 2}, {5, 6, 7, 8});
  const auto gemm = [&](std::optional<Tensor> c, std::int64_t ta, std::int64_t tb, float alpha, float beta) {
    SingleNode node("Gemm", 13, {a, b, std::move(c)});
    node.set("transA", ta).set("transB", tb).set("alpha", alpha).set("beta", beta);
    return to_doubles(node.run()[0]);
  };
  using Numbers = std::vector<double>;
  EXPECT_EQ(gemm(std::nullopt, 0, 0, 1, 1), (Numbers{19, 22, 43, 50}));
  EXPECT_EQ(gemm(std::nullopt, 1, 0, 1, 1), (Numbers{26, 30, 38, 44}));
  EXPECT_EQ(gemm(of({2}, {1, 2}), 0, 1, 1, 1), (Numbers{18, 25, 40, 55}));
  EXPECT_EQ(gemm(of({2, 1}, {1, 2}), 0, 0, 2, 3), (Numbers{41, 47, 92, 106}));
  EXPECT_EQ(gemm(of({}, {10}), 0, 0, 0.5F, -1), (Numbers{-0.5, 1, 11.5, 15}));
  EXPECT_EQ(gemm(of({1, 2}, {1, 2}), 0, 0, 1, 2), (Numbers{21, 26, 45, 54}));
  EXPECT_EQ(gemm(of({2, 2}, {1, 2, 3, 4}), 0, 0, 1, 0), (Numbers{19, 22, 43, 50}));
}

INSTANTIATE_TEST_SUITE_P(Types, GemmByHand, testing::Values(DataType::float32, DataType::float64));

TEST(Gemm, RefusesAnAddendThatDoesNotStretch) {
  SingleNode node(
      "Gemm", 13,
      {Tensor::zeros(DataType::float32, {2, 3}), Tensor::zeros(DataType::float32, {3, 4}), Tensor::zeros(DataType::float32, {2})});
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

}  // namespace
}  // namespace titrate::engine
