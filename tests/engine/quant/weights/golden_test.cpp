// GPTQ, AdaRound, AWQ and HQQ against vectors from an independent implementation.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/quant/stages/awq.hpp"
#include "engine/quant/weights/adaround.hpp"
#include "engine/quant/weights/gptq.hpp"
#include "engine/quant/weights/hqq.hpp"
#include "tests/engine/quant/golden.hpp"

namespace titrate::engine {
namespace {

using Json = nlohmann::json;

std::vector<float> flat(const Json& rows) {
  std::vector<float> numbers;
  for (const Json& row : rows) {
    for (const float number : golden_floats(row)) numbers.push_back(number);
  }
  return numbers;
}

WeightMatrix matrix(const Json& rows) { return {.rows = std::ssize(rows), .columns = std::ssize(rows[0]), .elements = flat(rows)}; }

// Sum of x x^T over the rows.
std::vector<double> gram_of(const WeightMatrix& rows) {
  InputMoments moments(rows.columns);
  moments.add(rows.elements, {});
  return moments.gram;
}

TEST(GptqGolden, CodesAndErrorsAreThoseOfTheReference) {
  const std::vector<Json> cases = golden_cases("gptq.json");
  const LayerProblem problem{.target = matrix(cases[0]["weights"]), .gram = gram_of(matrix(cases[0]["inputs"]))};
  for (std::size_t index = 1; index < cases.size(); ++index) {
    const Json& golden = cases[index];
    SCOPED_TRACE(golden["bits"].dump() + golden["act_order"].dump() + golden["group"].dump());
    const std::int64_t group = golden["group"] == 0 ? problem.target.columns : golden["group"].get<std::int64_t>();
    QuantizedMatrix quantized{.rows = problem.target.rows,
                              .columns = problem.target.columns,
                              .group = group,
                              .range = narrow_range(golden["bits"]),
                              .codes = std::vector<std::int16_t>(problem.target.elements.size()),
                              .scales = flat(golden["scales"]),
                              .zero_points = std::vector<std::int32_t>(flat(golden["scales"]).size())};
    ASSERT_TRUE(gptq(problem, {.damp = golden["damp"], .act_order = golden["act_order"]}, quantized));
    for (std::int64_t row = 0; row < quantized.rows; ++row) {
      for (std::int64_t column = 0; column < quantized.columns; ++column) {
        EXPECT_EQ(quantized.codes[static_cast<std::size_t>(row * quantized.columns + column)],
                  golden["codes"][static_cast<std::size_t>(row)][static_cast<std::size_t>(column)].get<int>());
      }
    }
    const double wanted = golden["out_error"];
    EXPECT_NEAR(output_error(problem, quantized), wanted, 1e-5 * wanted);
  }
}

TEST(AdaRoundGolden, RoundingFunctionsAreThoseOfTheReference) {
  for (const Json& golden : golden_cases("recon.json", "adaround")) {
    for (std::size_t index = 0; index < golden["V"].size(); ++index) {
      const double v = golden["V"][index];
      const double beta = golden["beta"];
      EXPECT_NEAR(rounded_up(v), golden["h"][index].get<double>(), 1e-9);
      EXPECT_NEAR(undecided(v, beta), golden["regularizer"][index].get<double>(), 1e-9);
      EXPECT_NEAR(undecided_slope(v, beta), golden["d_regularizer_dV"][index].get<double>(), 1e-9);
    }
  }
  for (const Json& golden : golden_cases("recon.json", "adaround_init")) {
    for (std::size_t index = 0; index < golden["V"].size(); ++index) {
      EXPECT_NEAR(rounding_variable(golden["fraction"][index]), golden["V"][index].get<double>(), 1e-9);
    }
  }
}

TEST(HqqGolden, ZeroPointsAreThoseOfTheReference) {
  for (const Json& golden : golden_cases("recon.json", "hqq")) {
    for (std::size_t group = 0; group < golden["groups"].size(); ++group) {
      const std::vector<double> elements = golden["groups"][group].get<std::vector<double>>();
      const FittedZeroPoint fitted = fit_zero_point(elements, (1 << golden["bits"].get<int>()) - 1);
      EXPECT_NEAR(fitted.zero_point, golden["zero"][group].get<double>(), 1e-9);
      EXPECT_NEAR(fitted.mean_error, golden["mean_abs_error"][group].get<double>(), 1e-9);
    }
  }
}

TEST(Hqq, SquaresOfErrorsAreNeverMoreThanRoundedToNearest) {
  std::mt19937 random(7);
  std::student_t_distribution<float> heavy(3);
  WeightMatrix weights{.rows = 20, .columns = 50, .elements = std::vector<float>(1000)};
  for (float& element : weights.elements) element = heavy(random);
  int better = 0;
  for (const int bits : {2, 3, 4, 8}) {
    for (const std::int64_t group : {16, -1}) {
      const QuantizedMatrix nearest =
          quantize_weights(weights, {.bits = bits, .mode = WeightMode::asymmetric, .group_size = group, .search_clip = true});
      const double noise = energies(weights, hqq(weights, bits, group, squared_errors)).noise;
      EXPECT_LE(noise, energies(weights, nearest).noise) << bits << ' ' << group;
      better += noise < 0.97 * energies(weights, nearest).noise ? 1 : 0;
    }
  }
  EXPECT_GE(better, 2);
}

TEST(Awq, GroupsOfChannelsLoseWhatTheyLoseApart) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  const auto drawn = [&](std::int64_t rows, std::int64_t columns) {
    WeightMatrix matrix{.rows = rows, .columns = columns, .elements = std::vector<float>(static_cast<std::size_t>(rows * columns))};
    for (float& element : matrix.elements) element = normal(random);
    return matrix;
  };
  // Two groups of three channels with two taps each, four output channels a group.
  const WeightMatrix weights = drawn(8, 6);
  std::vector<InputMoments> moments(2, InputMoments(6));
  for (InputMoments& each : moments) each.add(drawn(40, 6).elements, {});
  const std::vector<float> factors = {1, 2, 0.5F, 3, 0.25F, 1.5F};
  const RoundToNearest grid{.bits = 3, .mode = WeightMode::asymmetric, .group_size = -1};
  double apart = 0;
  for (std::size_t group = 0; group < 2; ++group) {
    apart += scaled_output_error(rows_of(weights, static_cast<std::int64_t>(group) * 4, 4), std::span(moments).subspan(group, 1), grid,
                                 std::span(factors).subspan(group * 3, 3));
  }
  EXPECT_NEAR(scaled_output_error(weights, moments, grid, factors), apart, 1e-9 * apart);
  EXPECT_GT(apart, 0);
}

TEST(AwqGolden, LossesOfAllRatiosAreThoseOfTheReference) {
  for (const Json& golden : golden_cases("recon.json", "awq")) {
    const WeightMatrix weights = matrix(golden["weights"]);
    const WeightMatrix inputs = matrix(golden["inputs"]);
    InputMoments moments(inputs.columns);
    moments.add(inputs.elements, {});
    std::vector<double> magnitudes = moments.magnitude;
    for (double& magnitude : magnitudes) magnitude /= static_cast<double>(inputs.rows);
    const RoundToNearest grid{.bits = golden["bits"], .mode = WeightMode::asymmetric, .group_size = golden["group"], .search_clip = false};
    std::size_t best = 0;
    std::vector<double> losses;
    for (int step = 0; step < golden["grid"].get<int>(); ++step) {
      const std::vector<float> factors = awq_factors(magnitudes, step / 20.0);
      losses.push_back(scaled_output_error(weights, std::span(&moments, 1), grid, factors) /
                       static_cast<double>(inputs.rows * weights.rows));
      if (losses.back() < losses[best]) best = losses.size() - 1;
    }
    EXPECT_EQ(best, golden["best"].get<std::size_t>());
    // The reference does not widen ranges to hold 0, which ONNX needs: losses agree where that makes no difference.
    EXPECT_NEAR(losses[best], golden["losses"][best].get<double>(), 0.2 * golden["losses"][best].get<double>());
    for (std::size_t channel = 0; channel < magnitudes.size(); ++channel)
      EXPECT_NEAR(magnitudes[channel], golden["act_mean_abs"][channel].get<double>(), 1e-9);
    const std::vector<float> factors = awq_factors(magnitudes, golden["best_ratio"]);
    for (std::size_t channel = 0; channel < factors.size(); ++channel)
      EXPECT_NEAR(static_cast<double>(factors[channel]), golden["best_scale"][channel].get<double>(), 1e-6);
  }
}

}  // namespace
}  // namespace titrate::engine
