// Products of codes with scales, against exact integers and the formula written out.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

// Codes with many extremes among them.
Tensor random_codes(DataType type, Shape shape, std::mt19937& random) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  for (auto& byte : tensor.mutable_bits<std::uint8_t>()) {
    const auto draw = random();
    byte = static_cast<std::uint8_t>(draw % 4 == 0 ? 255 : draw % 4 == 1 ? 128 : draw >> 8);
  }
  return tensor;
}

std::int32_t code(const Tensor& tensor, std::size_t index) {
  return tensor.type() == DataType::int8 ? tensor.data<std::int8_t>()[index] : tensor.data<std::uint8_t>()[index];
}

Tensor zero_points_of(DataType type, const std::vector<int>& values) {
  Tensor tensor = Tensor::uninitialized(type, values.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) tensor.mutable_bits<std::uint8_t>()[i] = static_cast<std::uint8_t>(values[i]);
  return tensor;
}

Tensor random_scales(std::int64_t count, std::mt19937& random, float size) {
  Tensor scales = random_floats(count == 1 ? Shape{} : Shape{count}, random, 0.5F * size, size);
  return scales;
}

std::int32_t quantized(std::int32_t sum, float multiplier, std::int32_t zero_point, DataType type) {
  const double rounded = std::nearbyint(static_cast<double>(static_cast<float>(sum) * multiplier)) + zero_point;
  const double lowest = type == DataType::int8 ? -128 : 0;
  return static_cast<std::int32_t>(std::clamp(rounded, lowest, lowest + 255));
}

struct Case {
  DataType a, b, y;
  std::int64_t rows, depth, columns;
  int a_zero;
  bool per_column;
  int y_zero;
};

std::vector<Case> cases() {
  const DataType u8 = DataType::uint8, s8 = DataType::int8;
  return {{u8, s8, u8, 1, 1, 1, 0, false, 0},      {u8, s8, u8, 3, 64, 17, 255, true, 255}, {s8, s8, s8, 16, 65, 33, -128, true, -128},
          {u8, u8, u8, 5, 130, 8, 128, true, 127}, {s8, u8, u8, 33, 31, 70, 127, false, 3}, {s8, s8, s8, 17, 300, 5, 0, true, 127},
          {u8, s8, s8, 2, 1000, 40, 7, true, 5},   {u8, s8, u8, 0, 12, 4, 1, true, 0},      {u8, u8, u8, 4, 0, 6, 1, true, 9}};
}

// The parts that all operators share, and the sums in 64 bits.
struct Parts {
  Tensor a, b, a_scale, b_scale, a_zero, b_zero, y_scale, y_zero;

  Parts(const Case& one, std::mt19937& random, bool zero_b = false)
      : a(random_codes(one.a, {one.rows, one.depth}, random)),
        b(random_codes(one.b, {one.depth, one.columns}, random)),
        a_scale(Tensor::scalar(0.02F)),
        b_scale(random_scales(one.per_column ? one.columns : 1, random, 0.01F)),
        a_zero(zero_points_of(one.a, {one.a_zero})),
        y_scale(Tensor::scalar(0.05F * std::sqrt(static_cast<float>(one.depth + 1)))),
        y_zero(zero_points_of(one.y, {one.y_zero})) {
    std::vector<int> zeros(static_cast<std::size_t>(one.per_column ? one.columns : 1), one.b == DataType::uint8 ? 128 : 0);
    for (std::size_t i = 0; !zero_b && i < zeros.size(); ++i) zeros[i] += static_cast<int>(i % 3) - 1;
    b_zero = zero_points_of(one.b, zeros);
  }
  [[nodiscard]] std::int32_t sum(std::size_t row, std::size_t column) const {
    const auto depth = static_cast<std::size_t>(a.shape()[1]);
    const auto columns = static_cast<std::size_t>(b.shape()[1]);
    std::int64_t total = 0;
    for (std::size_t k = 0; k < depth; ++k) {
      total += static_cast<std::int64_t>(code(a, row * depth + k) - code(a_zero, 0)) *
               (code(b, k * columns + column) - code(b_zero, b_zero.elements() == 1 ? 0 : column));
    }
    return static_cast<std::int32_t>(total);
  }
  [[nodiscard]] float multiplier(std::size_t column) const {
    return a_scale.data<float>()[0] * b_scale.data<float>()[b_scale.elements() == 1 ? 0 : column];
  }
};

void for_each_element(const Tensor& y, const std::function<void(std::size_t, std::size_t, std::size_t)>& body) {
  const auto columns = static_cast<std::size_t>(y.shape()[1]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(y.elements()); ++i) body(i, i / columns, i % columns);
}

Tensor transposed(const Tensor& matrix) {
  Tensor result = Tensor::uninitialized(matrix.type(), {matrix.shape()[1], matrix.shape()[0]});
  const auto columns = static_cast<std::size_t>(matrix.shape()[1]);
  const auto rows = static_cast<std::size_t>(matrix.shape()[0]);
  for (std::size_t i = 0; i < rows * columns; ++i) {
    result.mutable_bits<std::uint8_t>()[i % columns * rows + i / columns] = matrix.bits<std::uint8_t>()[i];
  }
  return result;
}

constexpr unsigned all_constant = ~0U;
constexpr unsigned none_constant = 0U;

TEST(QLinearMatMul, EqualsTheFormulaForEveryKindOfCodes) {
  std::mt19937 random(1);
  for (const Case& one : cases()) {
    for (const bool zero_b : {false, true}) {
      const Parts parts(one, random, zero_b);
      for (const unsigned constants : {all_constant & ~1U, none_constant}) {
        SingleNode node("QLinearMatMul", 21,
                        {parts.a, parts.a_scale, parts.a_zero, parts.b, parts.b_scale, parts.b_zero, parts.y_scale, parts.y_zero});
        node.constants = constants;
        const Tensor y = node.run()[0];
        ASSERT_EQ(y.type(), one.y);
        for_each_element(y, [&](std::size_t i, std::size_t row, std::size_t column) {
          ASSERT_EQ(code(y, i),
                    quantized(parts.sum(row, column), parts.multiplier(column) / parts.y_scale.data<float>()[0], one.y_zero, one.y))
              << one.rows << "x" << one.depth << "x" << one.columns << " at " << row << "," << column;
        });
      }
    }
  }
}

TEST(QGemm, AddsItsBiasToTheSumsAndTransposes) {
  std::mt19937 random(2);
  for (const Case& one : cases()) {
    const Parts parts(one, random);
    std::vector<std::int32_t> bias(static_cast<std::size_t>(one.columns));
    for (auto& element : bias) element = static_cast<std::int32_t>(random() % 20000) - 10000;
    for (int flags = 0; flags < 8; ++flags) {
      const bool transpose_a = (flags & 1) != 0, transpose_b = (flags & 2) != 0, to_float = (flags & 4) != 0;
      std::vector<std::optional<Tensor>> inputs{transpose_a ? transposed(parts.a) : parts.a,  parts.a_scale, parts.a_zero,
                                                transpose_b ? transposed(parts.b) : parts.b,  parts.b_scale, parts.b_zero,
                                                Tensor::of<std::int32_t>({one.columns}, bias)};
      if (!to_float) {
        inputs.emplace_back(parts.y_scale);
        inputs.emplace_back(parts.y_zero);
      }
      SingleNode node("QGemm", 1, inputs);
      node.node.domain = "com.microsoft";
      node.set("transA", std::int64_t{transpose_a}).set("transB", std::int64_t{transpose_b}).set("alpha", 0.75F);
      node.constants = flags % 3 == 0 ? none_constant : all_constant & ~1U;
      const Tensor y = node.run()[0];
      for_each_element(y, [&](std::size_t i, std::size_t row, std::size_t column) {
        const std::int32_t sum = parts.sum(row, column) + bias[column];
        const float multiplier =
            0.75F * parts.a_scale.data<float>()[0] * parts.b_scale.data<float>()[parts.b_scale.elements() == 1 ? 0 : column];
        if (to_float) {
          ASSERT_EQ(y.data<float>()[i], static_cast<float>(sum) * multiplier);
        } else {
          ASSERT_EQ(code(y, i), quantized(sum, multiplier / parts.y_scale.data<float>()[0], one.y_zero, one.y));
        }
      });
    }
  }
}

TEST(QGemm, StretchesABiasOfEveryShape) {
  std::mt19937 random(5);
  const Case one{DataType::uint8, DataType::int8, DataType::uint8, 3, 5, 4, 2, true, 0};
  const Parts parts(one, random);
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{4}, Shape{1, 4}, Shape{3, 1}, Shape{3, 4}}) {
    std::vector<std::int32_t> bias(static_cast<std::size_t>(element_count(shape)));
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<std::int32_t>(1000 * i + 7);
    SingleNode node("QGemm", 1,
                    {parts.a, parts.a_scale, parts.a_zero, parts.b, parts.b_scale, parts.b_zero, Tensor::of<std::int32_t>(shape, bias)});
    node.node.domain = "com.microsoft";
    const Tensor y = node.run()[0];
    for_each_element(y, [&](std::size_t i, std::size_t row, std::size_t column) {
      const std::size_t at = (shape.size() == 2 && shape[0] == 3 ? row * static_cast<std::size_t>(shape[1]) : 0) +
                             (!shape.empty() && shape.back() == 4 ? column : 0);
      ASSERT_EQ(y.data<float>()[i], static_cast<float>(parts.sum(row, column) + bias[at]) * parts.multiplier(column)) << to_text(shape);
    });
  }
}

TEST(MatMulIntegerToFloat, ScalesTheSumsAndAddsAFloatBias) {
  std::mt19937 random(3);
  for (const Case& one : cases()) {
    const Parts parts(one, random);
    const Tensor bias = random_floats({one.columns}, random);
    for (const bool with_bias : {false, true}) {
      SingleNode node("MatMulIntegerToFloat", 1,
                      {parts.a, parts.b, parts.a_scale, parts.b_scale, parts.a_zero, parts.b_zero,
                       with_bias ? std::optional<Tensor>(bias) : std::nullopt});
      node.node.domain = "com.microsoft";
      const Tensor y = node.run()[0];
      for_each_element(y, [&](std::size_t i, std::size_t row, std::size_t column) {
        float expected = static_cast<float>(parts.sum(row, column)) * parts.multiplier(column);
        if (with_bias) expected += bias.data<float>()[column];
        ASSERT_EQ(y.data<float>()[i], expected);
      });
    }
  }
}

TEST(DynamicQuantizeMatMul, EqualsItsThreeOperators) {
  std::mt19937 random(4);
  for (const Case& one : cases()) {
    const Parts parts(one, random);
    const Tensor a = random_floats({one.rows, one.depth}, random, -1.0F, 3.0F);
    const Tensor bias = random_floats({one.columns}, random);
    SingleNode node("DynamicQuantizeMatMul", 1, {a, parts.b, parts.b_scale, parts.b_zero, bias});
    node.node.domain = "com.microsoft";
    const Tensor y = node.run()[0];
    if (a.elements() == 0) {
      if (y.elements() > 0) {
        for_each_element(
            y, [&](std::size_t i, std::size_t, std::size_t column) { ASSERT_EQ(y.data<float>()[i], bias.data<float>()[column]); });
      }
      continue;
    }
    const std::vector<Tensor> quantized_a = SingleNode("DynamicQuantizeLinear", 11, {a}, 3).run();
    SingleNode steps("MatMulIntegerToFloat", 1,
                     {quantized_a[0], parts.b, quantized_a[1], parts.b_scale, quantized_a[2], parts.b_zero, bias});
    steps.node.domain = "com.microsoft";
    const Tensor expected = steps.run()[0];
    for (std::size_t i = 0; i < static_cast<std::size_t>(y.elements()); ++i) ASSERT_EQ(y.data<float>()[i], expected.data<float>()[i]);
  }
}

TEST(QLinearMatMul, StacksOfMatricesAndScalesOfRows) {
  std::mt19937 random(6);
  const Tensor a = random_codes(DataType::uint8, {2, 1, 3, 9}, random);
  const Tensor b = random_codes(DataType::int8, {4, 9, 5}, random);
  const Tensor a_scale = random_scales(3, random, 0.02F);
  const Tensor a_zero = zero_points_of(DataType::uint8, {0, 100, 255});
  const Tensor b_scale = random_scales(5, random, 0.02F);
  const Tensor b_zero = zero_points_of(DataType::int8, {0});
  SingleNode node("QLinearMatMul", 21,
                  {a, a_scale, a_zero, b, b_scale, b_zero, Tensor::scalar(0.3F), zero_points_of(DataType::uint8, {120})});
  const Tensor y = node.run()[0];
  ASSERT_EQ(y.shape(), (Shape{2, 4, 3, 5}));
  for (std::size_t i = 0; i < 120; ++i) {
    const std::size_t column = i % 5, row = i / 5 % 3, of_b = i / 15 % 4, of_a = i / 60;
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < 9; ++k) {
      sum += (code(a, (of_a * 3 + row) * 9 + k) - code(a_zero, row)) * code(b, (of_b * 9 + k) * 5 + column);
    }
    const float multiplier = a_scale.data<float>()[row] * b_scale.data<float>()[column] / 0.3F;
    ASSERT_EQ(code(y, i), quantized(sum, multiplier, 120, DataType::uint8));
  }
}

TEST(QLinearMatMul, RefusesWhatIsNotACode) {
  const Tensor number = Tensor::scalar(1.0F);
  const Tensor zero = zero_points_of(DataType::uint8, {0});
  const Tensor a = Tensor::zeros(DataType::uint8, {2, 3});
  const Tensor b = Tensor::zeros(DataType::int8, {3, 2});
  EXPECT_THROW((void)SingleNode("QLinearMatMul", 10, {a, number, zero, b, number, zero, number, zero}).run(), Error);
  EXPECT_THROW(
      (void)SingleNode("QLinearMatMul", 10, {Tensor::zeros(DataType::float32, {2, 3}), number, zero, a, number, zero, number, zero}).run(),
      Error);
  const Tensor three = zero_points_of(DataType::int8, {1, 2, 3});
  EXPECT_THROW((void)SingleNode("QLinearMatMul", 10, {a, number, zero, b, number, three, number, zero}).run(), Error);
}

}  // namespace
}  // namespace titrate::engine
