// What every quantization scheme must do, whoever wrote it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/quant/integer_weights.hpp"
#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

Model product(const Tensor& weights) {
  Sketch sketch(13);
  sketch.input("x", {2, weights.shape()[0]}).constant("w", weights);
  return sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
}

// Every scheme that quantizes.
std::vector<std::string> schemes() {
  std::vector<std::string> names;
  for (const QuantizerRow& row : scheme_implementations()) {
    if (row.name != "float") names.push_back(std::string(row.name) + "()");
  }
  return names;
}

std::vector<Tensor> odd_weights() {
  std::vector<float> outlier(48, 0.01F);
  outlier[5] = 1e30F;
  return {Tensor::zeros(DataType::float32, {16, 3}),
          Tensor::of<float>({16, 3}, std::vector<float>(48, 0.75F)),
          Tensor::of<float>({16, 3}, std::vector<float>(48, -0.75F)),
          Tensor::of<float>({1, 1}, {0.3F}),
          Tensor::of<float>({1, 1}, {1e-42F}),
          Tensor::of<float>({16, 3}, outlier),
          numbers({16, 3}, 1, std::numeric_limits<float>::max())};
}

TEST(QuantizerContract, EveryRowIsWholeAndServesItsScheme) {
  for (const QuantizerRow& row : scheme_implementations()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(row.needs_calibration && row.refusal && row.effective && row.apply);
    const Scheme scheme = parse_config(row.name).scheme;
    EXPECT_EQ(scheme_name(scheme), row.name);
    EXPECT_EQ(implementation_of(scheme).name, row.name);
    EXPECT_EQ(row.effective(row.effective(scheme, 16), 16), row.effective(scheme, 16)) << "acting twice is acting once";
  }
  EXPECT_EQ(schemes().size(), 13U);
}

TEST(QuantizerContract, OddWeightsGiveRunnableModelsWithUsableScales) {
  for (const std::string& scheme : schemes()) {
    for (std::size_t index = 0; index < odd_weights().size(); ++index) {
      SCOPED_TRACE(scheme + " weights " + std::to_string(index));
      const Model model = product(odd_weights()[index]);
      const Conversion conversion = converted(model, scheme);
      for (const Value& value : conversion.model.graph.values) {
        if (!value.constant || value.constant->type() != DataType::float32 || value.name.find("_scale") == std::string::npos) continue;
        for (const float scale : value.constant->data<float>())
          EXPECT_TRUE(scale > 0 && std::isfinite(scale)) << value.name << " " << scale;
      }
      const std::int64_t columns = odd_weights()[index].shape()[0];
      EXPECT_EQ(run_once(conversion.model, {numbers({2, columns})}).at(0).shape()[0], 2);
    }
  }
}

TEST(QuantizerContract, RefusesWeightsThatAreNotFiniteByName) {
  for (const std::string& scheme : schemes()) {
    for (const float bad : {nan, infinity, -infinity}) {
      std::vector<float> elements(48, 0.5F);
      elements[7] = bad;
      try {
        (void)converted(product(Tensor::of<float>({16, 3}, elements)), scheme);
        ADD_FAILURE() << scheme << " accepted " << bad;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid);
        EXPECT_THAT(error.what(), HasSubstr("'w'")) << scheme;
      }
    }
  }
}

TEST(QuantizerContract, EmptyWeightsStayFloatWithAReason) {
  for (const std::string& scheme : schemes()) {
    const Model model = product(Tensor::zeros(DataType::float32, {16, 0}));
    const auto assignments = assign(model.graph, parse_config(scheme));
    ASSERT_EQ(assignments.size(), 1U);
    EXPECT_EQ(assignments[0].decision.scheme, "float");
    EXPECT_THAT(assignments[0].decision.reason, HasSubstr("empty"));
  }
}

TEST(QuantizerContract, SameInputSameModel) {
  const Model model = product(numbers({40, 7}));
  for (const std::string& scheme : schemes()) {
    const Conversion first = converted(model, scheme);
    const Conversion second = converted(model, scheme);
    ASSERT_EQ(first.model.graph.values.size(), second.model.graph.values.size());
    for (std::size_t index = 0; index < first.model.graph.values.size(); ++index) {
      const Value& left = first.model.graph.values[index];
      const Value& right = second.model.graph.values[index];
      EXPECT_EQ(left.name, right.name);
      ASSERT_EQ(left.constant != nullptr, right.constant != nullptr);
      if (left.constant) {
        EXPECT_TRUE(std::equal(left.constant->bytes().begin(), left.constant->bytes().end(), right.constant->bytes().begin())) << left.name;
      }
    }
  }
}

TEST(QuantizerContract, StaysCloseToTheFloatModel) {
  const Model model = product(numbers({40, 7}));
  const Tensor input = numbers({2, 40}, 5);
  const Tensor expected = run_once(model, {input}).at(0);
  for (const std::string& scheme : schemes()) {
    const Conversion conversion = converted(model, scheme);
    EXPECT_GT(decision_of(conversion, "n_y").weight_sqnr_db, 15) << scheme;
    EXPECT_GT(decision_of(conversion, "n_y").stored_bytes, 0) << scheme;
    EXPECT_LT(decision_of(conversion, "n_y").stored_bytes, decision_of(conversion, "n_y").float_bytes) << scheme;
    double signal = 0;
    double noise = 0;
    const Tensor found = run_once(conversion.model, {input}).at(0);
    for (std::size_t index = 0; index < expected.data<float>().size(); ++index) {
      signal += std::pow(static_cast<double>(expected.data<float>()[index]), 2);
      noise += std::pow(static_cast<double>(expected.data<float>()[index] - found.data<float>()[index]), 2);
    }
    EXPECT_GT(signal, 100 * noise * 0.2) << scheme;
  }
}

// Codes of weights: half a step inside the range, never outside the codes.
TEST(QuantizerContract, RoundTripIsWithinHalfAStep) {
  const Model model = product(numbers({40, 7}));
  const WeightMatrix weights = weight_matrix_of(model.graph, model.graph.nodes[0]);
  std::vector<QuantizedMatrix> all = {quantize_integer_weights(weights, {}), quantize_integer_weights(weights, {.symmetric = false}),
                                      quantize_integer_weights(weights, {.per_channel = false})};
  for (const int bits : {2, 4, 8}) {
    for (const WeightMode mode : {WeightMode::narrow, WeightMode::asymmetric})
      all.push_back(quantize_weights(weights, {.bits = bits, .mode = mode, .group_size = 16, .search_clip = false}));
  }
  for (const QuantizedMatrix& quantized : all) {
    for (std::int64_t row = 0; row < weights.rows; ++row) {
      for (std::int64_t column = 0; column < weights.columns; ++column) {
        const AffineParameters parameters = quantized.parameters(row, column);
        const float element = weights.row(row)[static_cast<std::size_t>(column)];
        const bool inside =
            element >= dequantize(quantized.range.least, parameters) && element <= dequantize(quantized.range.most, parameters);
        EXPECT_LE(std::fabs(quantized.dequantized(row, column) - element), (inside ? 0.5001F : 1.0001F) * parameters.scale);
      }
    }
  }
}

}  // namespace
}  // namespace titrate::engine
