#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "engine/base/text.hpp"
#include "reports/report.hpp"
#include "reports/text_table.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string terminal(const StudyRecord& study, const ReportOptions& options = {}) {
  return report_named("terminal").render(study, options);
}

TEST(TerminalReport, TheVerdictStandsBehindTheTable) {
  const std::string text = terminal(example::everyday());
  EXPECT_LT(text.find("static_int8()"), text.find(verdict_sentence(example::everyday()).substr(0, 40)));
  EXPECT_THAT(text, HasSubstr("Model:  digits.titrate.onnx\n"));
  EXPECT_THAT(text, HasSubstr("Again:  titrate tune digits.onnx --data 'digits data.json' "));
  EXPECT_THAT(text, HasSubstr("ValueError: no labels"));
}

TEST(TerminalReport, ColorsAreOnlyAddedAround) {
  const std::string plain = terminal(example::everyday());
  const std::string colored = terminal(example::everyday(), {.color = true});
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_THAT(colored, HasSubstr("\x1b[32m"));
  EXPECT_EQ(std::regex_replace(colored, std::regex("\x1b\\[[0-9]*m"), ""), plain);
}

TEST(TerminalReport, WithoutUnicodeThereIsNone) {
  for (const char c : terminal(example::everyday(), {.unicode = false})) ASSERT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(TerminalReport, TablesKeepToTheWidth) {
  StudyRecord study = example::everyday();
  study.trials[3].config = "rtn() | name:" + std::string(300, 'x') + " = float";
  for (const std::string& line : split(terminal(study, {.width = 100}), '\n')) {
    if (line.starts_with("Again:")) continue;
    EXPECT_LE(text_width(line), 100) << line;
  }
}

TEST(TerminalReport, LongListsOfFloatLayersAreCut) {
  StudyRecord study = example::everyday();
  for (int node = 0; node < 50; ++node) study.trials[3].layers.push_back(study.trials[3].layers[0]);
  EXPECT_THAT(terminal(study), HasSubstr("  and 32 more\n"));
}

}  // namespace
}  // namespace titrate
