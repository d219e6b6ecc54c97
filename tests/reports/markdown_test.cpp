#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/text.hpp"
#include "reports/report.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string markdown(const StudyRecord& study) { return report_named("markdown").render(study, {}); }

// Separators that GitHub sees: not those behind a backslash.
std::ptrdiff_t cells_of(const std::string& line) {
  std::ptrdiff_t separators = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '|' && (at == 0 || line[at - 1] != '\\')) ++separators;
  }
  return separators - 1;
}

void expect_even_tables(const std::string& text) {
  std::ptrdiff_t columns = 0;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    if (columns == 0) columns = cells_of(line);
    EXPECT_EQ(cells_of(line), columns) << line;
  }
}

TEST(MarkdownReport, BeginsWithTheVerdict) {
  const std::string text = markdown(example::everyday());
  EXPECT_THAT(text, testing::StartsWith("# titrate\n\n**Met:** `rtn(sym=false)` keeps top1 at 0.9876"));
  expect_even_tables(text);
}

TEST(MarkdownReport, PipesInConfigsStayInTheirCells) {
  StudyRecord study = example::everyday();
  study.trials[3].config = "rtn() | name:conv1 = float";
  const std::string text = markdown(study);
  EXPECT_THAT(text, HasSubstr("| `rtn() \\| name:conv1 = float` |"));
  expect_even_tables(text);
}

TEST(MarkdownReport, HostileNamesMarkUpNothing) {
  const std::string text = markdown(example::hostile());
  expect_even_tables(text);
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, Not(HasSubstr("](")));
  EXPECT_THAT(text, Not(HasSubstr("@someone")));
  EXPECT_THAT(text, Not(HasSubstr("`")));  // in the hostile study no text may use a code span
}

}  // namespace
}  // namespace titrate
