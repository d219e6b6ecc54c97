// Overrides by position and by sub-graph as texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/config/config.hpp"
#include "engine/config/config_json.hpp"
#include "engine/config/subgraph.hpp"

namespace titrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    (void)parse_config(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "accepted";
}

TEST(Selectors, ArePrintedInTheOrderOfTheirRank) {
  const Config config =
      parse_config("rtn() | type:Conv = float | position:3 = float | between:a->b = float | regex:x = float | name:y = float");
  EXPECT_EQ(to_text(config), "rtn() | name:y = float | regex:x = float | between:a->b = float | position:3 = float | type:Conv = float");
  EXPECT_EQ(parse_config(to_text(config)), config);
}

TEST(Selectors, KeepOddNames) {
  const SubgraphSelector odd{.inputs = {"conv,1", "a->b", "c\\"}, .outputs = {"the last > one"}};
  const SubgraphSelector read = parse_subgraph(to_text(odd));
  EXPECT_THAT(read.inputs, ElementsAre("conv,1", "a->b", "c\\"));
  EXPECT_THAT(read.outputs, ElementsAre("the last > one"));
  const Config config{.scheme = RtnScheme{}, .overrides = {{Override::Kind::between, to_text(odd), FloatScheme{}}}};
  EXPECT_EQ(parse_config(to_text(config)), config);
  const auto json = config_json(config);
  EXPECT_EQ(json["overrides"][0]["between"]["inputs"][1], "a->b");
  EXPECT_EQ(parse_config(json.dump()), config);
}

TEST(Selectors, AreReadFromJson) {
  const Config config =
      parse_config(R"({"scheme": "rtn", "overrides": [{"position": 2, "scheme": "float"}, {"position": "last", "scheme": "float"},
      {"between": {"inputs": ["a", "b"], "outputs": ["c"]}, "scheme": "float"}]})");
  EXPECT_EQ(to_text(config), "rtn() | between:a,b->c = float | position:2 = float | position:last = float");
}

TEST(Selectors, RefuseWhatIsNone) {
  EXPECT_THAT(refusal("rtn() | position:middle = float"), HasSubstr("first, last"));
  EXPECT_THAT(refusal("rtn() | position:0 = float"), HasSubstr("first, last"));
  EXPECT_THAT(refusal("rtn() | between:a = float"), HasSubstr("has not one '->'"));
  EXPECT_THAT(refusal("rtn() | between:a->b->c = float"), HasSubstr("has not one '->'"));
  EXPECT_THAT(refusal("rtn() | between:->b = float"), HasSubstr("empty name"));
  EXPECT_THAT(refusal(R"({"scheme": "rtn", "overrides": [{"between": {"inputs": ["a"]}, "scheme": "float"}]})"), HasSubstr("outputs"));
}

}  // namespace
}  // namespace titrate
