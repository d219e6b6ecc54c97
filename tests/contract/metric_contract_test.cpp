// What every metric promises, held over every row of the table of metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/base/error.hpp"
#include "tuner/metrics/metric.hpp"

namespace titrate {

// How a row is named in what the tests print.
static void PrintTo(const MetricRow& row, std::ostream* out) { *out << row.name; }

namespace {

using engine::Tensor;
using testing::HasSubstr;

constexpr std::int64_t classes = 8;

// Scores that rank class (index * 3) mod 8 first, so high that no metric can be better than it is on them.
Tensor scores(std::int64_t index) {
  std::vector<float> values;
  for (std::int64_t one = 0; one < classes; ++one)
    values.push_back(one == index * 3 % classes ? 200.0F : 0.25F * static_cast<float>(one + 1));
  return Tensor::of<float>({1, classes}, values);
}

Tensor shifted(const Tensor& tensor, float most) {
  std::vector<float> values;
  for (const float value : tensor.data<float>()) values.push_back(value + most * std::sin(value * 37));
  return Tensor::of<float>(tensor.shape(), values);
}

// Of `count` samples; `output` makes what the model says of a sample.
template <class Output>
double value_of(const MetricRow& metric, std::int64_t count, Output&& output) {
  MetricSums sums;
  for (std::int64_t index = 0; index < count; ++index) {
    const std::vector<Tensor> outputs{output(index)};
    const std::vector<Tensor> references{scores(index)};
    const Tensor label = Tensor::of<std::int64_t>({1}, std::vector{index * 3 % classes});
    sums += metric.score({.outputs = outputs,
                          .reference = metric.needs_reference ? std::span(references) : std::span<const Tensor>(),
                          .labels = metric.needs_labels ? &label : nullptr});
  }
  return metric.value(sums);
}

class MetricContract : public testing::TestWithParam<MetricRow> {};

TEST_P(MetricContract, IsFoundByItsName) {
  EXPECT_EQ(metric_named(GetParam().name).score, GetParam().score);
  EXPECT_FALSE(GetParam().what.empty());
}

TEST_P(MetricContract, NeedsSomethingToCompareWith) { EXPECT_NE(GetParam().needs_labels, GetParam().needs_reference); }

TEST_P(MetricContract, NothingIsBetterThanEqualOutputs) {
  const MetricRow& metric = GetParam();
  const double best = value_of(metric, 9, scores);
  ASSERT_TRUE(std::isfinite(best));
  for (const float most : {0.01F, 1.0F, 30.0F}) {
    const double value = value_of(metric, 9, [&](std::int64_t index) { return shifted(scores(index), most); });
    EXPECT_TRUE(metric.higher_is_better ? value <= best : value >= best) << value << " after " << best;
  }
}

TEST_P(MetricContract, UselessOutputsAreWorse) {
  const MetricRow& metric = GetParam();
  const double best = value_of(metric, 9, scores);
  const double useless = value_of(metric, 9, [](std::int64_t index) {
    std::vector<float> values;
    for (const float value : scores(index).data<float>()) values.push_back(-value);
    return Tensor::of<float>({1, classes}, values);
  });
  EXPECT_TRUE(metric.higher_is_better ? useless < best : useless > best) << useless << " after " << best;
}

TEST_P(MetricContract, NanIsWorseOrNoNumber) {
  const MetricRow& metric = GetParam();
  const double best = value_of(metric, 9, scores);
  const double value = value_of(metric, 9, [](std::int64_t) {
    return Tensor::of<float>({1, classes}, std::vector<float>(classes, std::numeric_limits<float>::quiet_NaN()));
  });
  EXPECT_TRUE(std::isnan(value) || (metric.higher_is_better ? value < best : value > best)) << value;
}

TEST_P(MetricContract, OutputsThatAreNotFloatAreRefused) {
  try {
    (void)value_of(GetParam(), 1, [](std::int64_t) { return Tensor::of<std::int64_t>({1, 2}, std::vector<std::int64_t>{1, 2}); });
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
  }
}

TEST_P(MetricContract, ACountIsAWholeNumber) {
  const MetricRow& metric = GetParam();
  if (!metric.counts) GTEST_SKIP() << metric.name << " does not count";
  const std::vector<Tensor> outputs{scores(1)};
  const Tensor label = Tensor::of<std::int64_t>({1}, {3});
  const MetricSums sums = metric.score({.outputs = outputs, .reference = {}, .labels = &label});
  EXPECT_EQ(sums.first, 1);
  EXPECT_EQ(sums.count, 1);
}

INSTANTIATE_TEST_SUITE_P(Metrics, MetricContract, testing::ValuesIn(metrics().begin(), metrics().end()),
                         [](const testing::TestParamInfo<MetricRow>& row) { return std::string(row.param.name); });

TEST(Metrics, NamesAreUniqueAndAnotherNameIsRefused) {
  std::set<std::string_view> names;
  for (const MetricRow& metric : metrics()) EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
  try {
    (void)metric_named("topp1");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("top1"));
    for (const std::string_view name : names) EXPECT_THAT(error.what(), HasSubstr(std::string(name)));
  }
}

}  // namespace
}  // namespace titrate
