// What config texts mean, and what is refused with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/error.hpp"
#include "engine/config/config.hpp"

namespace titrate {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts(const std::vector<Config>& configs) {
  std::vector<std::string> result;
  for (const Config& config : configs) result.push_back(to_text(config));
  return result;
}

std::string usage_error(const std::string& text) {
  try {
    (void)parse_config_set(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  ADD_FAILURE() << "no error for " << text;
  return {};
}

TEST(ParseConfig, ReadsFieldsIntoTheirMembers) {
  const Config config = parse_config("rtn(bits=3,sym=false,full_range=true,group_size=-1,clip=mse)");
  const auto& rtn = std::get<RtnScheme>(config.scheme);
  EXPECT_EQ(rtn.bits, 3);
  EXPECT_FALSE(rtn.sym);
  EXPECT_TRUE(rtn.full_range);
  EXPECT_EQ(rtn.group_size, -1);
  EXPECT_EQ(rtn.clip, Clip::mse);
  const auto integer = std::get<StaticInt8Scheme>(parse_config("static_int8(calibrator=entropy,percentile=99.9,act=s8)").scheme);
  EXPECT_EQ(integer.calibrator, CalibratorKind::entropy);
  EXPECT_EQ(integer.percentile, 99.9);
  EXPECT_EQ(integer.act, ActivationType::s8);
  EXPECT_EQ(std::get<Fp8Scheme>(parse_config("fp8(format=e3m4)").scheme).format, Float8Format::e3m4);
}

TEST(ParseConfig, LimitsAreInside) {
  for (const char* text : {"rtn(bits=2)", "rtn(bits=8)", "rtn(group_size=0)", "rtn(group_size=16)", "rtn(group_size=1024)",
                           "static_int8(percentile=100)", "static_int8(percentile=50.001)"}) {
    EXPECT_EQ(to_text(parse_config(text)), text);
  }
  for (const char* text :
       {"rtn(bits=1)", "rtn(bits=9)", "rtn(group_size=-2)", "rtn(group_size=1)", "rtn(group_size=15)", "rtn(group_size=1025)",
        "static_int8(percentile=50)", "static_int8(percentile=100.001)", "static_int8(percentile=nan)", "static_int8(percentile=inf)",
        "rtn(bits=4.0)", "rtn(bits=99999999999999999999)"}) {
    EXPECT_THROW((void)parse_config(text), Error) << text;
  }
}

TEST(ParseConfig, CanonicalTextLeavesDefaultsOutAndSorts) {
  EXPECT_EQ(to_text(parse_config("rtn")), "rtn()");
  EXPECT_EQ(to_text(parse_config(" rtn ( bits = 4 , sym = true ) ")), "rtn()");
  EXPECT_EQ(to_text(parse_config("float()")), "float");
  EXPECT_EQ(to_text(parse_config("rtn(clip=mse,bits=8)")), "rtn(bits=8,clip=mse)");
  EXPECT_EQ(to_text(parse_config("rtn|type:Gemm=float|regex:b=float|name:z=rtn(bits=8)|regex:a=fp8|name:a=float")),
            "rtn() | name:a = float | name:z = rtn(bits=8) | regex:b = float | regex:a = fp8() | type:Gemm = float");
}

TEST(ParseConfig, QuotesWhatNeedsThem) {
  const Config config = parse_config(R"(rtn() | name:"a b|c;d=\"\\" = float | name:plain\path:0 = float | regex:"x|y" = float)");
  ASSERT_EQ(config.overrides.size(), 3U);
  EXPECT_EQ(config.overrides[0].pattern, R"(a b|c;d="\)");
  EXPECT_EQ(config.overrides[1].pattern, R"(plain\path:0)");
  EXPECT_EQ(to_text(config), R"(rtn() | name:"a b|c;d=\"\\" = float | name:plain\path:0 = float | regex:"x|y" = float)");
  EXPECT_EQ(parse_config(to_text(config)), config);
}

TEST(ParseConfigSet, LastListRunsFastest) {
  EXPECT_THAT(texts(parse_config_set(
                  "rtn(bits=4,sym=[true,false],group_size=[32,128]) | type:Gemm = float; static_int8(calibrator=[minmax,entropy])")),
              ElementsAre("rtn() | type:Gemm = float", "rtn(group_size=128) | type:Gemm = float", "rtn(sym=false) | type:Gemm = float",
                          "rtn(sym=false,group_size=128) | type:Gemm = float", "static_int8()", "static_int8(calibrator=entropy)"));
  EXPECT_THAT(texts(parse_config_set("rtn(group_size=[32,128],sym=[true,false])")),
              ElementsAre("rtn()", "rtn(sym=false)", "rtn(group_size=128)", "rtn(sym=false,group_size=128)"));
}

TEST(ParseConfigSet, ListsInOverridesRunTooAndDuplicatesGo) {
  EXPECT_THAT(texts(parse_config_set("rtn(bits=[8,3]) | type:Gemm = rtn(bits=[8,6]); rtn(bits=[3,3,8])")),
              ElementsAre("rtn(bits=8) | type:Gemm = rtn(bits=8)", "rtn(bits=8) | type:Gemm = rtn(bits=6)",
                          "rtn(bits=3) | type:Gemm = rtn(bits=8)", "rtn(bits=3) | type:Gemm = rtn(bits=6)", "rtn(bits=3)", "rtn(bits=8)"));
}

TEST(ParseConfigSet, AListStaysWithItsOverrideWhenOverridesAreSorted) {
  EXPECT_THAT(texts(parse_config_set("rtn() | name:z = rtn(bits=[8,6]) | name:a = float")),
              ElementsAre("rtn() | name:a = float | name:z = rtn(bits=8)", "rtn() | name:a = float | name:z = rtn(bits=6)"));
}

struct Refusal {
  std::string text;
  std::vector<std::string> says;
};

TEST(ParseConfigSet, ErrorsNameWhatIsWrongAndListWhatIsAllowed) {
  const std::vector<Refusal> refusals = {
      {"rtm(bits=4)", {"'rtm'", "rtm(bits=4)", "did you mean 'rtn'", "static_int8", "weight_only"}},
      {"rtn(bitz=4)", {"bitz", "did you mean 'bits'", "group_size", "character 5"}},
      {"float(bits=4)", {"float has no fields", "bits"}},
      {"rtn(bits=9)", {"bits=9", "integer", "2 to 8"}},
      {"rtn(group_size=7)", {"group_size=7", "-1, 0 or 16 to 1024"}},
      {"static_int8(calibrator=guess)", {"guess", "minmax, moving_average, percentile, entropy, mse"}},
      {"static_int8(calibrator=entropie)", {"did you mean 'entropy'"}},
      {"rtn(sym=maybe)", {"sym", "maybe", "true or false"}},
      {"static_int8(percentile=30)", {"percentile=30", "above 50, up to 100"}},
      {"rtn(bits=4", {"rtn(bits=4", "not closed", "character 4"}},
      {"rtn(bits=4; fp8", {"'(' is not closed"}},
      {"rtn(bits=[4,5)", {"'[' is not closed", "character 10"}},
      {"rtn(bits=[])", {"a value for bits", "']'"}},
      {"rtn(bits=[[4]])", {"a value for bits", "'['"}},
      {"rtn(bits)", {"'='", "bits"}},
      {"rtn(bits=4,bits=5)", {"bits is given twice", "list"}},
      {"rtn(bits=4,)", {"a field", "')'"}},
      {"rtn() rtn()", {"';'", "'r'", "character 7"}},
      {"rtn();", {"a config is missing", "character 7"}},
      {";rtn()", {"a config is missing"}},
      {"", {"config text is empty"}},
      {"  \n", {"config text is empty"}},
      {"rtn() |", {"name:", "regex:", "type:", "the end"}},
      {"rtn() | node:a = float", {"name:NODE"}},
      {"rtn() | name:a", {"'='"}},
      {"rtn() | name: = float", {"a name"}},
      {R"(rtn() | name:"" = float)", {"needs a name"}},
      {R"(rtn() | name:"a = float)", {"quote is not closed", "character 14"}},
      {R"(rtn() | name:"a\n" = float)", {"backslash"}},
      {R"(rtn() | name:"a\)", {"quote is not closed"}},
      {"rtn() | name:a = flot", {"'flot'", "did you mean 'float'"}},
      {"rtn() | name:a = float | name:a = rtn()", {"name:a is given twice"}},
      {"rtn() | regex:([ = float", {"'(['", "regular expression", "broken"}},
      {R"(rtn() | regex:(a)\1 = float)", {R"((a)\1)", "back references"}},
      {"rtn() | regex:a)(b = float", {"a)(b"}},
      {"smoothqant() + rtn()", {"unknown stage 'smoothqant'", "did you mean 'smoothquant'"}},
      {"rtn() + equalize()", {"rtn is a scheme, not a stage", "the scheme last"}},
      {"equalize()", {"equalize is a stage, not a scheme"}},
      {"equalize() + equalize() + rtn()", {"equalize is given twice"}},
      {"smoothquant(alpha=0) + rtn()", {"alpha=0 is not allowed", "above 0, up to 1, or auto"}},
      {"equalize( + rtn()", {"the name of a field"}},
      {"equalize() +", {"the name of a scheme"}},
      {"rtn(bits=\x1b[31m)", {"\\x1b"}},
      {"no_such_file.json", {"no_such_file.json", "no config file"}},
  };
  for (const Refusal& refusal : refusals) {
    const std::string message = usage_error(refusal.text);
    for (const std::string& part : refusal.says) EXPECT_THAT(message, HasSubstr(part)) << refusal.text;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
}

TEST(ParseConfigSet, StagesStandBeforeTheSchemeInTheirOrder) {
  const std::vector<Config> configs =
      parse_config_set("bias_correction( ) +smoothquant(alpha=[0.7,auto,0.5]) + static_int8 | name:a = equalize + rtn(bits=[4,8])");
  ASSERT_EQ(configs.size(), 6U);
  EXPECT_EQ(to_text(configs[0]), "bias_correction() + smoothquant(alpha=0.7) + static_int8() | name:a = equalize() + rtn()");
  EXPECT_EQ(to_text(configs[3]), "bias_correction() + smoothquant(alpha=auto) + static_int8() | name:a = equalize() + rtn(bits=8)");
  EXPECT_EQ(to_text(configs[4]), "bias_correction() + smoothquant() + static_int8() | name:a = equalize() + rtn()");
  for (const Config& config : configs) EXPECT_EQ(parse_config(to_text(config)), config);
}

TEST(ParseConfigSet, LongTextsAreQuotedInPart) {
  std::string text = "rtn()";
  for (int index = 0; index < 2000; ++index) text += ";rtn(bits=8)";
  const std::string message = usage_error(text + ";rtn(bits=99)");
  EXPECT_THAT(message, AllOf(HasSubstr("bits=99"), HasSubstr("...")));
  EXPECT_LT(message.size(), 500U);
}

TEST(ParseConfigSet, TooManyConfigsAreRefusedBeforeTheyAreMade) {
  const std::string all = "bits=[2,3,4,5,6,7,8,2,3,4]";
  const std::string thousand =
      "rtn(" + all + ",group_size=[16,17,18,19,20,21,22,23,24,25],sym=[true,false,true,false,true,false,true,false,true,false])";
  EXPECT_EQ(parse_config_set(thousand).size(), 7U * 10 * 2);
  std::string text = thousand;
  for (char name = 'a'; name < 'k'; ++name) text += std::string(" | name:") + name + " = rtn(" + all + ")";
  EXPECT_THAT(usage_error(text), HasSubstr("more than 100000"));
  std::string many = thousand;
  for (int index = 0; index < 100; ++index) many += ";" + thousand;
  EXPECT_THAT(usage_error(many), HasSubstr("more than 100000"));
}

TEST(ParseConfigSet, HostileTextIsAnErrorAndNothingElse) {
  const std::vector<std::string> seeds = {
      "rtn(bits=4,sym=[true,false],group_size=[32,128]) | type:Gemm = float; static_int8(calibrator=[minmax,entropy])",
      R"(static_int8(percentile=99.9) | name:"a \"b\"" = rtn(bits=8) | regex:conv[0-9]+ = fp8())",
      R"({"configs":[{"scheme":"rtn","bits":[4,8],"overrides":[{"type":"Gemm","scheme":"float"}]},{"scheme":"fp8"}]})"};
  const std::string letters = "()[]{},;|=+\"\\:.-0123456789abnrst_ \n\0\xff";
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (std::uint32_t change = 0; change < 1 + random() % 4; ++change) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = letters[random() % letters.size()];
          break;
        case 1:
          text.insert(at, 1, letters[random() % letters.size()]);
          break;
        default:
          text.erase(at, 1 + random() % 5);
          break;
      }
    }
    try {
      for (const Config& config : parse_config_set(text)) ASSERT_EQ(parse_config(to_text(config)), config) << text;
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::usage) << text;
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(ParseConfig, WantsExactlyOne) {
  EXPECT_THROW((void)parse_config("rtn(bits=[4,8])"), Error);
  EXPECT_THROW((void)parse_config("rtn();fp8()"), Error);
  EXPECT_THROW((void)parse_config(""), Error);
  EXPECT_EQ(to_text(parse_config("fp8")), "fp8()");
  EXPECT_EQ(to_text(parse_config(R"({"scheme":"rtn","bits":8})")), "rtn(bits=8)");
}

}  // namespace
}  // namespace titrate
