// What every report promises, held over every row of the table of reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "reports/report.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

struct Case {
  std::string name;
  StudyRecord study;
};

std::vector<Case> cases() {
  std::vector<Case> all{{"empty", StudyRecord{}},
                        {"everyday", example::everyday()},
                        {"hostile", example::hostile()},
                        {"not finite", example::not_finite()},
                        {"a thousand trials", example::many(1000)}};
  StudyRecord study = example::everyday();
  study.baseline.reset();
  all.push_back({"no baseline", study});
  study = example::everyday();
  study.trials.clear();
  all.push_back({"no trials", study});
  study = example::everyday();
  study.trials.erase(study.trials.begin(), study.trials.begin() + 6);
  study.verdict = "not_met";
  all.push_back({"nothing usable", study});
  study = example::everyday();
  study.trials.resize(1);
  study.trials[0].metric = study.baseline->metric = 0;
  study.trials[0].size_bytes = study.baseline->size_bytes = 0;
  study.trials[0].seconds = 0;
  all.push_back({"zeros", study});
  return all;
}

TEST(ReportContract, EveryStudyIsRenderedAndTheSameWayTwice) {
  for (const ReportRow& row : reports()) {
    for (const Case& each : cases()) {
      const std::string text = row.render(each.study, {});
      EXPECT_TRUE(text.ends_with('\n')) << row.format << ", " << each.name;
      EXPECT_EQ(text == row.render(each.study, {}), true) << row.format << ", " << each.name;
    }
  }
}

TEST(ReportContract, NoReportCarriesWhatDrivesATerminalOrHides) {
  for (const ReportRow& row : reports()) {
    for (const Case& each : cases()) {
      for (const std::string& line : split(row.render(each.study, {}), '\n')) {
        ASSERT_EQ(visible(line), line) << row.format << ", " << each.name;
      }
    }
  }
}

TEST(ReportContract, WhatIsNotFiniteIsNotShown) {
  const std::regex word("\\b(nan|inf|infinity)\\b", std::regex::icase);
  for (const ReportRow& row : reports()) {
    std::smatch match;
    const std::string text = row.render(example::not_finite(), {});
    EXPECT_FALSE(std::regex_search(text, match, word)) << row.format << ": " << match.prefix().str().substr(0, 0) << match.str();
  }
}

TEST(ReportContract, EveryReportNamesTheTrialsAndTheBest) {
  const StudyRecord study = example::everyday();
  for (const ReportRow& row : reports()) {
    const std::string text = row.render(study, {.width = 140});
    for (const TrialRecord& trial : study.trials) EXPECT_THAT(text, testing::HasSubstr(trial.config)) << row.format;
    for (const char* words : {"0.9876", "Met", "2.4 times smaller", "digits.titrate.onnx", "titrate tune digits.onnx"}) {
      EXPECT_THAT(text, testing::HasSubstr(words)) << row.format;
    }
  }
}

TEST(ReportContract, FormatsHaveDistinctNamesAndUnknownOnesAreRefused) {
  std::set<std::string_view> names;
  for (const ReportRow& row : reports()) {
    EXPECT_TRUE(names.insert(row.format).second) << row.format;
    EXPECT_FALSE(row.what.empty()) << row.format;
    EXPECT_EQ(&report_named(row.format), &row);
  }
  try {
    static_cast<void>(report_named("htm"));
    FAIL() << "an unknown format was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.hint(), testing::HasSubstr("did you mean 'html'?"));
    for (const std::string_view name : names) EXPECT_THAT(error.hint(), testing::HasSubstr(std::string(name)));
  }
}

}  // namespace
}  // namespace titrate
