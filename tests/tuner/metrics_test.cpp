#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/error.hpp"
#include "tests/datasets/data_files.hpp"
#include "tuner/metrics/metric.hpp"

namespace titrate {
namespace {

using engine::Shape;
using engine::Tensor;
using testing::AllOf;
using testing::HasSubstr;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

Tensor floats(Shape shape, const std::vector<float>& values) { return Tensor::of<float>(std::move(shape), values); }
Tensor integers(const std::vector<std::int64_t>& values) {
  return Tensor::of<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

MetricSums counted(const MetricRow& metric, const Tensor& scores, const std::vector<std::int64_t>& labels) {
  const std::vector<Tensor> outputs{scores};
  const Tensor wanted = integers(labels);
  return metric.score({.outputs = outputs, .reference = {}, .labels = &wanted});
}

// 1 if the label is among the best, 0 if not.
double hit(const MetricRow& metric, const std::vector<float>& scores, std::int64_t label) {
  const MetricSums sums = counted(metric, floats({1, std::ssize(scores)}, scores), {label});
  EXPECT_EQ(sums.count, 1);
  return sums.first;
}

double compared(const MetricRow& metric, const std::vector<std::pair<std::vector<float>, std::vector<float>>>& samples) {
  MetricSums sums;
  for (const auto& [output, reference] : samples) {
    const std::vector<Tensor> outputs{floats({1, std::ssize(output)}, output)};
    const std::vector<Tensor> references{floats({1, std::ssize(reference)}, reference)};
    sums += metric.score({.outputs = outputs, .reference = references, .labels = nullptr});
  }
  return metric.value(sums);
}

TEST(RankingMetrics, TheHighestScoreWins) {
  EXPECT_EQ(hit(top1_metric, {0.1F, 0.7F, 0.2F}, 1), 1);
  EXPECT_EQ(hit(top1_metric, {0.1F, 0.7F, 0.2F}, 2), 0);
  const std::vector<float> seven{7, 6, 5, 4, 3, 2, 1};
  EXPECT_EQ(hit(top5_metric, seven, 4), 1);
  EXPECT_EQ(hit(top5_metric, seven, 5), 0);
}

TEST(RankingMetrics, EqualScoresStandInTheOrderOfTheClasses) {
  EXPECT_EQ(hit(top1_metric, {0.5F, 0.5F}, 0), 1);
  EXPECT_EQ(hit(top1_metric, {0.5F, 0.5F}, 1), 0);
  const std::vector<float> equal(6, 1.0F);
  EXPECT_EQ(hit(top5_metric, equal, 4), 1);
  EXPECT_EQ(hit(top5_metric, equal, 5), 0);
}

TEST(RankingMetrics, NanStandsLast) {
  EXPECT_EQ(hit(top1_metric, {not_a_number, -3.0F}, 1), 1);
  EXPECT_EQ(hit(top1_metric, {not_a_number, -3.0F}, 0), 0);
  EXPECT_EQ(hit(top1_metric, {not_a_number, not_a_number}, 0), 0);
  EXPECT_EQ(hit(top5_metric, std::vector<float>(6, not_a_number), 0), 0);
}

TEST(RankingMetrics, SeveralLabelsASampleOneIgnored) {
  // Rows [3,1], [1,2], [0,5]: right, not counted, wrong.
  const MetricSums sums = counted(top1_metric, floats({1, 3, 2}, {3, 1, 1, 2, 0, 5}), {0, -100, 0});
  EXPECT_EQ(sums.first, 1);
  EXPECT_EQ(sums.count, 2);
  EXPECT_EQ(top1_metric.value(sums), 0.5);
}

TEST(RankingMetrics, NothingCountedIsNoNumber) {
  EXPECT_TRUE(std::isnan(top1_metric.value(counted(top1_metric, floats({1, 2}, {1, 2}), {-100}))));
}

TEST(RankingMetrics, LabelsThatDoNotFitAreRefused) {
  const Tensor scores = floats({1, 3}, {1, 2, 3});
  EXPECT_THAT(error_of([&] { (void)counted(top1_metric, scores, {3}); }), AllOf(HasSubstr("label 3"), HasSubstr("3 classes")));
  EXPECT_THAT(error_of([&] { (void)counted(top1_metric, scores, {-1}); }), HasSubstr("label -1"));
  EXPECT_THAT(error_of([&] { (void)counted(top5_metric, scores, {0, 1}); }), AllOf(HasSubstr("2 labels"), HasSubstr("[1,3]")));
  EXPECT_THAT(error_of([&] { (void)counted(top1_metric, integers({1, 2}), {0}); }), HasSubstr("int64"));
}

TEST(Perplexity, IsTheExponentialOfTheMeanNegativeLogLikelihood) {
  // Softmax of [log 1, log 3] is [1/4, 3/4]: likelihoods 3/4 and 1/4, the third label is not counted.
  const float three = std::log(3.0F);
  const MetricSums sums = counted(perplexity_metric, floats({1, 3, 2}, {0, three, 0, three, 50, -50}), {1, 0, -100});
  EXPECT_EQ(sums.count, 2);
  EXPECT_NEAR(perplexity_metric.value(sums), std::exp(-(std::log(0.75) + std::log(0.25)) / 2), 1e-6);
}

TEST(Perplexity, OfEqualScoresIsTheNumberOfClasses) {
  EXPECT_NEAR(perplexity_metric.value(counted(perplexity_metric, floats({1, 5}, std::vector<float>(5, 7.0F)), {3})), 5, 1e-12);
}

TEST(Perplexity, IsOneWhenTheLabelIsCertain) {
  EXPECT_EQ(perplexity_metric.value(counted(perplexity_metric, floats({1, 2}, {1000, -1000}), {0})), 1);
}

TEST(Perplexity, LargeScoresDoNotOverflow) {
  // log(1 + e^-2000) + 2000: the likelihood of the label is e^-2000, which no double holds.
  const MetricSums sums = counted(perplexity_metric, floats({1, 2}, {1000, -1000}), {1});
  EXPECT_EQ(sums.first, 2000);
  EXPECT_EQ(perplexity_metric.value(sums), std::numeric_limits<double>::infinity());
}

TEST(Perplexity, NothingCountedAndNanAreNoNumbers) {
  EXPECT_TRUE(std::isnan(perplexity_metric.value(counted(perplexity_metric, floats({1, 2}, {1, 2}), {-100}))));
  EXPECT_TRUE(std::isnan(perplexity_metric.value(counted(perplexity_metric, floats({1, 3}, {1, not_a_number, 2}), {0}))));
}

TEST(Perplexity, LabelsThatDoNotFitAreRefused) {
  EXPECT_THAT(error_of([] { (void)counted(perplexity_metric, floats({1, 3}, {1, 2, 3}), {3}); }), HasSubstr("label 3"));
  EXPECT_THAT(error_of([] { (void)counted(perplexity_metric, floats({1, 3}, {1, 2, 3}), {0, 1}); }), HasSubstr("2 labels"));
}

TEST(ComparingMetrics, MeanSquaredErrorOverAllElements) {
  // (1 + 4 + 0 + 9) / 4
  EXPECT_DOUBLE_EQ(compared(mse_metric, {{{1, 2}, {0, 0}}, {{5, 1}, {5, 4}}}), 3.5);
  EXPECT_EQ(compared(mse_metric, {{{1, 2}, {1, 2}}}), 0);
}

TEST(ComparingMetrics, CosineIsTheMeanOfTheSamples) {
  // [3,4] and [4,3]: 24/25; opposite: -1.
  EXPECT_DOUBLE_EQ(compared(cosine_metric, {{{3, 4}, {4, 3}}, {{1, 0}, {-1, 0}}}), (0.96 - 1) / 2);
  EXPECT_DOUBLE_EQ(compared(cosine_metric, {{{0, 0}, {0, 0}}, {{0, 0}, {1, 0}}}), 0.5);
}

TEST(ComparingMetrics, SqnrIsOneRatioOverAllSamples) {
  // Signal 100 + 300, noise 1 + 3: 20 dB.
  const float root = std::sqrt(300.0F);
  EXPECT_NEAR(compared(sqnr_metric, {{{11}, {10}}, {{root + std::sqrt(3.0F)}, {root}}}), 20, 1e-5);
  // Half of the energy of the signal: 3.01 dB.
  EXPECT_NEAR(compared(sqnr_metric, {{{0, 1}, {1, 1}}}), 10 * std::log10(2.0), 1e-12);
}

TEST(ComparingMetrics, EqualOutputsHaveTheSqnr999) {
  EXPECT_EQ(compared(sqnr_metric, {{{1, 2}, {1, 2}}}), 999);
  EXPECT_EQ(compared(sqnr_metric, {{{0, 0}, {0, 0}}}), 999);
}

TEST(ComparingMetrics, NanIsNeverGood) {
  for (const MetricRow* metric : {&mse_metric, &cosine_metric, &sqnr_metric}) {
    EXPECT_TRUE(std::isnan(compared(*metric, {{{1, not_a_number}, {1, 2}}, {{1, 1}, {1, 1}}}))) << metric->name;
  }
}

TEST(ComparingMetrics, InfinityIsNeverANumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const MetricRow* metric : {&mse_metric, &cosine_metric, &sqnr_metric}) {
    EXPECT_FALSE(std::isfinite(compared(*metric, {{{1, infinity}, {1, 2}}}))) << metric->name;
  }
}

TEST(ComparingMetrics, OnlyFloatOutputsCount) {
  const std::vector<Tensor> outputs{integers({7}), floats({1, 1}, {3})};
  const std::vector<Tensor> references{integers({9}), floats({1, 1}, {1})};
  EXPECT_EQ(mse_metric.value(mse_metric.score({.outputs = outputs, .reference = references, .labels = nullptr})), 4);
  EXPECT_THAT(
      error_of([&] {
        (void)mse_metric.score({.outputs = std::span(outputs).first(1), .reference = std::span(references).first(1), .labels = nullptr});
      }),
      HasSubstr("no float32 output"));
}

TEST(ComparingMetrics, OtherShapesAreRefused) {
  EXPECT_THAT(error_of([] { (void)compared(sqnr_metric, {{{1, 2, 3}, {1, 2}}}); }), AllOf(HasSubstr("[1,3]"), HasSubstr("[1,2]")));
}

}  // namespace
}  // namespace titrate
