#include "engine/base/text.hpp"

#include <gtest/gtest.h>

namespace titrate {
namespace {

TEST(Visible, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(visible("plain äöü"), "plain äöü");
  EXPECT_EQ(visible("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(visible("a\u202e"
                    "b"),
            "a\\u202eb");
  EXPECT_EQ(visible("\xc2\x9b"), "\\x9b");                // C1
  EXPECT_EQ(visible("\xff\xc3"), "\\xff\\xc3");           // no UTF-8
  EXPECT_EQ(visible("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

TEST(Shortest, ReadsBackAsTheSameNumber) {
  EXPECT_EQ(shortest(0.01), "0.01");
  EXPECT_EQ(shortest(99.99), "99.99");
  EXPECT_EQ(parse_number(shortest(1.0 / 3)), 1.0 / 3);
}

TEST(Parse, TakesWholeTextsOnly) {
  EXPECT_EQ(parse_integer("-12"), -12);
  EXPECT_EQ(parse_integer("12x"), std::nullopt);
  EXPECT_EQ(parse_integer(""), std::nullopt);
  EXPECT_EQ(parse_integer("99999999999999999999"), std::nullopt);
  EXPECT_EQ(parse_number("1e-3"), 1e-3);
  EXPECT_EQ(parse_number("1e999"), std::nullopt);
}

TEST(Nearest, SuggestsWhatIsSpelledAlike) {
  const std::vector<std::string> names = {"rtn", "static_int8", "fp8"};
  EXPECT_EQ(nearest("rtm", names), "rtn");
  EXPECT_EQ(nearest("statik_int8", names), "static_int8");
  EXPECT_EQ(nearest("awq", names), std::nullopt);
}

TEST(HumanBytes, KeepsThreeDigits) {
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(26454), "26.5 KB");
  EXPECT_EQ(human_bytes(4955097), "4.96 MB");
}

}  // namespace
}  // namespace titrate
