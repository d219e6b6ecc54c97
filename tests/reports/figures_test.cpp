#include "reports/figures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

TEST(ReportFigures, NumbersAreRoundedToSignificantDigits) {
  EXPECT_EQ(rounded(0.98765, 4), "0.9877");
  EXPECT_EQ(rounded(31.2512, 4), "31.25");
  EXPECT_EQ(rounded(123456.0, 4), "123456");
  EXPECT_EQ(rounded(1.25e-7, 4), "1.25e-07");
  EXPECT_EQ(rounded(0, 4), "0.000");
  EXPECT_EQ(rounded(-0.00004, 2), "-4e-05");
  EXPECT_EQ(rounded(nan, 4), "");
  EXPECT_EQ(rounded(-infinity, 4), "");
}

TEST(ReportFigures, DifferentNumbersLookDifferent) {
  EXPECT_EQ(metric_text_apart(0.98870, 0.98871), "0.98870");
  EXPECT_EQ(metric_text_apart(0.98871, 0.98870), "0.98871");
  EXPECT_EQ(metric_text_apart(0.5, 0.5), "0.5000");
  EXPECT_NE(metric_text_apart(0.5, std::nextafter(0.5, 1)), metric_text_apart(std::nextafter(0.5, 1), 0.5));
  // Just beyond the tolerance must not read as the tolerance.
  EXPECT_EQ(loss_text_apart(0.010004, 0.01, LossKind::relative), "1.0004 %");
  EXPECT_EQ(loss_text_apart(0.01, 0.01, LossKind::relative), "1 %");
}

TEST(ReportFigures, LossesHaveTheirUnit) {
  EXPECT_EQ(loss_text(0.0011, LossKind::relative), "0.11 %");
  EXPECT_EQ(loss_text(0.1, LossKind::relative), "10 %");
  EXPECT_EQ(loss_text(-0.005, LossKind::relative), "-0.5 %");
  EXPECT_EQ(loss_text(0.25, LossKind::absolute), "0.25");
  EXPECT_EQ(loss_text(-0.0, LossKind::relative), "0 %");
  EXPECT_EQ(loss_text(nan, LossKind::relative), "");
  EXPECT_EQ(loss_text(std::nullopt, LossKind::relative), "");
  TrialRecord trial;
  EXPECT_EQ(loss_figure(trial, Goal{}), "");
  trial.loss = 0.029;
  EXPECT_EQ(loss_figure(trial, Goal{}), "2.90 %");
}

TEST(ReportFigures, SizesAgainstTheFloatModel) {
  const Baseline baseline{"top1", 0.9, 100, 26512, std::nullopt, 1};
  EXPECT_EQ(smaller_text(baseline, 11024), "2.4");
  EXPECT_EQ(smaller_text(baseline, 2209), "12");
  EXPECT_EQ(smaller_text(baseline, 53024), "0.50");
  EXPECT_EQ(smaller_text(baseline, 0), "");
  EXPECT_EQ(smaller_text(baseline, std::nullopt), "");
  EXPECT_EQ(smaller_text(std::nullopt, 11024), "");
  EXPECT_EQ(bytes_text(11024), "11.0 KB");
  EXPECT_EQ(bytes_text(-1), "");
}

TEST(ReportFigures, Durations) {
  EXPECT_EQ(seconds_text(0.0314), "0.031 s");
  EXPECT_EQ(seconds_text(4.2), "4.20 s");
  EXPECT_EQ(seconds_text(45.67), "45.7 s");
  EXPECT_EQ(seconds_text(725), "12 min 5 s");
  EXPECT_EQ(seconds_text(7384), "2 h 3 min");
  EXPECT_EQ(seconds_text(nan), "");
  EXPECT_EQ(seconds_text(-1), "");
  EXPECT_FALSE(seconds_text(1e300).empty());
  EXPECT_EQ(latency_text(1.8412), "1.84 ms");
  EXPECT_EQ(latency_text(infinity), "");
  EXPECT_EQ(latency_text(1.8412, 0.0312), "1.84 ±0.03 ms");
  EXPECT_EQ(latency_text(184.12, 3.12, false), "184 +-3 ms");
  EXPECT_EQ(latency_text(1.8412, nan), "1.84 ms");
  EXPECT_EQ(decibel_text(31.25), "31.2 dB");
}

TEST(ReportFigures, TheGoalAsAMetric) {
  const Baseline baseline{"mse", -2, 100, 1, std::nullopt, 1};
  EXPECT_DOUBLE_EQ(goal_metric(baseline, {.tolerable_loss = 0.25, .loss = LossKind::relative, .higher_is_better = true}), -2.5);
  EXPECT_DOUBLE_EQ(goal_metric(baseline, {.tolerable_loss = 0.25, .loss = LossKind::absolute, .higher_is_better = false}), -1.75);
}

TEST(ReportFigures, LongMetricNamesAreShortened) {
  StudyRecord study = example::everyday();
  EXPECT_EQ(metric_name(study), "top1");
  study.baseline->metric_name = std::string(40, 'm');
  EXPECT_EQ(metric_name(study), std::string(25, 'm').append("..."));
  study.baseline.reset();
  EXPECT_EQ(metric_name(study), "metric");
  EXPECT_EQ(shortened("ééééé", 8), "éé...");
  EXPECT_EQ(shortened("ééé", 6), "ééé");
}

}  // namespace
}  // namespace titrate
