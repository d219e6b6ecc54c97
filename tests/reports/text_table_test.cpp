#include "reports/text_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titrate {
namespace {

using testing::ElementsAre;

TEST(ReportTextTable, WidthInColumns) {
  EXPECT_EQ(text_width("abc"), 3);
  EXPECT_EQ(text_width("naïve"), 5);
  EXPECT_EQ(text_width("層"), 2);
  EXPECT_EQ(text_width("e\xcc\x81"), 1);  // e and a combining acute accent
}

TEST(ReportTextTable, LinesBreakAtSpacesOrAnywhere) {
  EXPECT_THAT(wrapped("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("one two", 7), ElementsAre("one two"));
  EXPECT_THAT(wrapped("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(wrapped("層層層層層", 4), ElementsAre("層層", "層層", "層"));
  EXPECT_THAT(wrapped("", 4), ElementsAre(""));
  EXPECT_THAT(wrapped("abcdefghijklmnop", 8, 1), ElementsAre("abcde..."));
}

TEST(ReportTextTable, ColumnsAreAlignedAndEmptyOnesLeftOut) {
  TextTable table({{"name", false, true}, {"none", false, false}, {"size", true, false}});
  table.add({"a", "", "1"});
  table.add({"longer", "", "1234567"});
  EXPECT_EQ(table.text(80),
            "name       size\n"
            "a             1\n"
            "longer  1234567\n");
}

TEST(ReportTextTable, TheFlexibleColumnGivesWay) {
  TextTable table({{"name", false, true}, {"size", true, false}});
  table.add({"abcdefghijklmnopqrstuvwxyz", "12"}, "<", ">");
  EXPECT_EQ(table.text(26),
            "name                  size\n"
            "<abcdefghijklmnopqrst    12>\n"
            "<uvwxyz>\n");
}

}  // namespace
}  // namespace titrate
