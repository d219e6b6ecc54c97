#include "engine/config/overrides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string chosen(const Config& config, std::string_view name, std::string_view type) { return to_text(scheme_for(config, name, type)); }

TEST(Overrides, NameBeatsRegexBeatsTypeBeatsTheScheme) {
  const Config config =
      parse_config("rtn() | type:Conv = rtn(bits=8) | regex:conv[12] = fp8() | regex:conv = dynamic_int8() | name:conv1 = float");
  EXPECT_EQ(chosen(config, "conv1", "Conv"), "float");
  EXPECT_EQ(chosen(config, "block/conv2/x", "Conv"), "fp8()");
  EXPECT_EQ(chosen(config, "conv3", "Conv"), "dynamic_int8()");
  EXPECT_EQ(chosen(config, "head", "Conv"), "rtn(bits=8)");
  EXPECT_EQ(chosen(config, "head", "Gemm"), "rtn()");
  // A name is the whole name, a type the whole type.
  EXPECT_EQ(chosen(parse_config("rtn() | name:conv = float"), "conv1", "Conv"), "rtn()");
}

TEST(Overrides, TheFirstRegexThatMatchesWins) {
  const Config config = parse_config("rtn() | regex:z = float | regex:a = fp8()");
  EXPECT_EQ(chosen(config, "za", "Conv"), "float");
}

TEST(Overrides, ARegexMatchesAPartAndKnowsAnchors) {
  EXPECT_TRUE(Expression("b+").matches("abbc"));
  EXPECT_FALSE(Expression("^b").matches("ab"));
  EXPECT_TRUE(Expression("^a.*c$").matches("abbc"));
  EXPECT_FALSE(Expression("b$").matches("bc"));
  EXPECT_TRUE(Expression("x|c").matches("abc"));
  EXPECT_TRUE(Expression("(b)(c)").matches("abc\nd"));
  EXPECT_TRUE(Expression("layer[.]\\d{1,2}[.]").matches("layer.10.conv"));
  EXPECT_FALSE(Expression("layer[.]\\d{1,2}[.]").matches("layer.100.conv"));
  EXPECT_TRUE(Expression("").matches(""));
}

TEST(Overrides, CatastrophicPatternsAndLongNamesEndSoon) {
  const std::string name(5000, 'a');
  EXPECT_FALSE(Expression("(a+)+b").matches(name));
  EXPECT_FALSE(Expression("(a|aa)*(a|aa)*c$").matches(name));
  EXPECT_FALSE(Expression("a.*a.*a.*a.*b").matches(name));
}

TEST(Overrides, BrokenAndOversizedPatternsAreUsageErrors) {
  const std::string nested = "((((a?){100}){100}){100}){100}";
  for (const std::string& pattern :
       {std::string("(["), std::string("*"), std::string("a)(b"), std::string("(a)\\1"), std::string("[z-a]"), std::string("a{2,1}"),
        std::string("[[:nope:]]"), std::string("\\"), nested, std::string("(a?){99999}"), std::string("(a?){99999999999999999999}"),
        std::string(1001, 'a'), std::string(999, '(')}) {
    try {
      check_expression(pattern, "here");
      ADD_FAILURE() << pattern.substr(0, 40);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), AllOf(HasSubstr(pattern.substr(0, 20)), HasSubstr("here")));
    }
  }
  EXPECT_NO_THROW(check_expression(std::string(495, '(') + "a" + std::string(495, ')'), ""));
}

TEST(Overrides, UnmatchedOnesAreNamedWithTheNearest) {
  const std::vector<NamedNode> nodes = {{"conv_1", "Conv"}, {"conv_2", "Conv"}, {"fc", "Gemm"}};
  const Config fine = parse_config("rtn() | name:conv_1 = float | regex:conv = fp8 | type:Gemm = float");
  EXPECT_TRUE(unmatched_overrides(fine, nodes).empty());
  EXPECT_NO_THROW(check_overrides(fine, nodes));
  const Config bad =
      parse_config("rtn() | name:conv_3 = float | name:\"a b\" = float | regex:x$ = float | type:gemm = float | type:Conv = float");
  EXPECT_THAT(unmatched_overrides(bad, nodes), ElementsAre("name:\"a b\"", "name:conv_3", "regex:x$", "type:gemm"));
  const auto message = [&](const char* text) -> std::string {
    try {
      check_overrides(parse_config(text), nodes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(message("rtn() | name:conv_3 = float"),
              AllOf(HasSubstr("override name:conv_3 matches no node"), HasSubstr("did you mean 'conv_1'"), HasSubstr("conv_2, fc")));
  EXPECT_THAT(message("rtn() | type:gemm = float"), AllOf(HasSubstr("did you mean 'Gemm'"), HasSubstr("Conv, Gemm")));
  EXPECT_THAT(message("rtn() | type:x = float | name:y = float"), HasSubstr("overrides name:y, type:x match no node"));
  EXPECT_THAT(message("rtn() | name:quite_another = float"), Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace titrate
