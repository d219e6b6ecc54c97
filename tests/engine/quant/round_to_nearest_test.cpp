#include "engine/quant/round_to_nearest.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/text.hpp"
#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/random_weights.hpp"

namespace titrate::engine {
namespace {

WeightMatrix matrix_of(const nlohmann::json& rows) {
  WeightMatrix matrix{.rows = static_cast<std::int64_t>(rows.size()),
                      .columns = static_cast<std::int64_t>(rows.at(0).size()),
                      .elements = {},
                      .transposed = false};
  for (const auto& row : rows) {
    const std::vector<float> elements = golden_floats(row);
    matrix.elements.insert(matrix.elements.end(), elements.begin(), elements.end());
  }
  return matrix;
}

WeightMode mode_of(const std::string& name) {
  if (name == "narrow") return WeightMode::narrow;
  return name == "signed_max" ? WeightMode::signed_max : WeightMode::asymmetric;
}

TEST(RoundToNearest, GivesTheGoldenCodes) {
  const auto cases = golden_cases("rtn.json");
  const WeightMatrix weights = matrix_of(cases.at(0)["weights"]);
  for (std::size_t index = 1; index < cases.size(); ++index) {
    const auto& each = cases[index];
    SCOPED_TRACE(cat(each["bits"], " bits ", each["mode"], " group ", each["group"]));
    const int group = each["group"];
    const QuantizedMatrix found = quantize_weights(
        weights, {.bits = each["bits"], .mode = mode_of(each["mode"]), .group_size = group == 0 ? -1 : group, .search_clip = false});
    const WeightMatrix scales = matrix_of(each["scales"]);
    ASSERT_EQ(found.groups(), scales.columns);
    EXPECT_EQ(found.scales, scales.elements);
    for (std::int64_t row = 0; row < weights.rows; ++row) {
      const auto at = static_cast<std::size_t>(row);
      for (std::size_t unit = 0; unit < static_cast<std::size_t>(found.groups()); ++unit)
        EXPECT_EQ(found.zero_points[at * static_cast<std::size_t>(found.groups()) + unit], each["zero_points"][at][unit].get<int>());
      for (std::size_t column = 0; column < static_cast<std::size_t>(weights.columns); ++column)
        EXPECT_EQ(found.codes[at * static_cast<std::size_t>(weights.columns) + column], each["codes"][at][column].get<int>());
    }
    const Energies sums = energies(weights, found);
    EXPECT_NEAR(sums.noise, each["sum_sq_error"].get<double>(), 1e-9 + 1e-6 * sums.noise);
    EXPECT_NEAR(signal_to_noise_db(sums.signal, sums.noise), golden_number(each["sqnr_db"]), 1e-5);
  }
}

TEST(RoundToNearest, ClipSearchNeverRaisesTheError) {
  const WeightMatrix weights = random_weights(Distribution::laplace, 8, 100);
  for (const WeightMode mode : {WeightMode::narrow, WeightMode::signed_max, WeightMode::asymmetric}) {
    for (const std::int64_t group : {-1, 0, 16}) {
      const RoundToNearest plain{.bits = 3, .mode = mode, .group_size = group, .search_clip = false};
      RoundToNearest clipped = plain;
      clipped.search_clip = true;
      EXPECT_LE(energies(weights, quantize_weights(weights, clipped)).noise, energies(weights, quantize_weights(weights, plain)).noise);
    }
  }
}

// The expected noise of quantized random matrices (algorithms A22), with the tolerances for another generator.
struct Tolerance {
  double below;
  double above;
};

Tolerance tolerance_of(const std::string& distribution, const std::string& granularity) {
  if (granularity == "tensor") {
    const double wide = distribution == "gauss" ? 1.2 : distribution == "laplace" ? 3 : 0.1;
    // Their matrices have 1024 rows, these 256: extremes are smaller, so the noise is at most a little smaller too.
    return {wide, distribution == "uniform" ? wide : wide + 0.6};
  }
  if (granularity == "channel") return {distribution == "laplace" ? 0.25 : 0.1, distribution == "laplace" ? 0.25 : 0.1};
  return {0.15, 0.15};
}

std::int64_t group_size_of(const std::string& granularity) {
  if (granularity == "tensor") return 0;
  return granularity == "channel" ? -1 : std::stoi(granularity);
}

void expect_noise(const std::string& distribution, const WeightMatrix& weights) {
  for (const auto& each : golden_cases("sqnr.json", "int")) {
    if (each["dist"] != distribution) continue;
    const std::string granularity = each["gran"];
    const RoundToNearest how{.bits = each["bits"],
                             .mode = each["sym"].get<bool>() ? WeightMode::narrow : WeightMode::asymmetric,
                             .group_size = group_size_of(granularity),
                             .search_clip = false};
    const Energies sums = energies(weights, quantize_weights(weights, how));
    const double found = signal_to_noise_db(sums.signal, sums.noise);
    const Tolerance tolerance = tolerance_of(distribution, granularity);
    EXPECT_GE(found, each["db"].get<double>() - tolerance.below) << each.dump();
    EXPECT_LE(found, each["db"].get<double>() + tolerance.above) << each.dump();
  }
}

TEST(WeightNoise, IsAsExpectedForGauss) { expect_noise("gauss", random_weights(Distribution::gauss, 256, 4096)); }
TEST(WeightNoise, IsAsExpectedForLaplace) { expect_noise("laplace", random_weights(Distribution::laplace, 256, 4096)); }
TEST(WeightNoise, IsAsExpectedForUniform) { expect_noise("uniform", random_weights(Distribution::uniform, 256, 4096)); }

// A search takes up to 100 times as long: a part of the matrix and a few cells.
TEST(WeightNoise, IsAsExpectedWithClipSearch) {
  for (const auto& [name, distribution] : {std::pair("gauss", Distribution::gauss), std::pair("laplace", Distribution::laplace)}) {
    const WeightMatrix weights = random_weights(distribution, 16, 4096);
    for (const auto& each : golden_cases("sqnr.json", "int_clip")) {
      const std::string granularity = each["gran"];
      if (each["dist"] != name || each["bits"] == 8 || granularity == "tensor" || granularity == "128") continue;
      const RoundToNearest how{.bits = each["bits"],
                               .mode = each["sym"].get<bool>() ? WeightMode::narrow : WeightMode::asymmetric,
                               .group_size = group_size_of(granularity),
                               .search_clip = true};
      const Energies sums = energies(weights, quantize_weights(weights, how));
      EXPECT_NEAR(signal_to_noise_db(sums.signal, sums.noise), each["db"].get<double>(), 0.2) << each.dump();
    }
  }
}

}  // namespace
}  // namespace titrate::engine
