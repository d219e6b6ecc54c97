#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/config/config_json.hpp"
#include "engine/config/fields.hpp"

namespace titrate {
namespace {

using ::testing::HasSubstr;

TEST(ConfigJson, MeansTheSameAsTheText) {
  const std::string json = R"({"schema":1,"configs":[
      {"scheme":"rtn","bits":4,"sym":[true,false],"group_size":[32,128],"overrides":[{"type":"Gemm","scheme":"float"}]},
      {"scheme":"static_int8","percentile":[99,99.9],"calibrator":"percentile","overrides":[
         {"name":"a b","scheme":"rtn","bits":[8,6]}, {"regex":"x|y","scheme":"fp8","weights_only":true}]}]})";
  const std::string text =
      "rtn(bits=4,sym=[true,false],group_size=[32,128]) | type:Gemm = float;"
      "static_int8(percentile=[99,99.9],calibrator=percentile) | name:\"a b\" = rtn(bits=[8,6]) | regex:\"x|y\" = fp8(weights_only=true)";
  EXPECT_EQ(parse_config_set(json), parse_config_set(text));
  EXPECT_EQ(parse_config_set(json).size(), 8U);
}

TEST(ConfigJson, ReadsWhatItWrites) {
  for (const char* set :
       {"all", "int8", "fp8", "weight_only", "rtn() | regex:\"a|b\" = static_int8(percentile=[99.9,98]) | name:\"\\\"x\" = float"}) {
    const std::vector<Config> configs = parse_config_set(set);
    EXPECT_EQ(parse_config_set(to_json_text(configs)), configs) << set;
  }
  EXPECT_EQ(config_json(parse_config("rtn(sym=false,bits=8) | type:Gemm = float")).dump(),
            R"({"scheme":"rtn","bits":8,"sym":false,"overrides":[{"type":"Gemm","scheme":"float"}]})");
}

TEST(ConfigJson, AFileIsReadByItsName) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "titrate_config_test.json";
  std::ofstream(path) << R"({"configs":[{"scheme":"rtn","bits":[8,4]}]})";
  EXPECT_EQ(parse_config_set(path.string()), parse_config_set("rtn(bits=[8,4])"));
  std::ofstream(path) << "";
  EXPECT_THROW((void)parse_config_set(path.string()), Error);
  std::filesystem::remove(path);
}

TEST(ConfigJson, RefusesWhatIsNotMeant) {
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {R"({"configs":[)", "not JSON"},
      {R"([1])", "no config"},
      {R"({})", "no config"},
      {R"({"configs":[]})", "at least one"},
      {R"({"configs":{}})", "at least one"},
      {R"({"configs":[1]})", "configs[0]"},
      {R"({"configs":[{"bits":4}]})", "has a scheme"},
      {R"({"configs":[{"scheme":"rtm"}]})", "'rtm'"},
      {R"({"configs":[{"scheme":4}]})", "expected a string"},
      {R"({"configs":[{"scheme":"rtn","bitz":4}]})", "bitz"},
      {R"({"configs":[{"scheme":"rtn"},{"scheme":"rtn","bits":"4"}]})", "configs[1].bits"},
      {R"({"configs":[{"scheme":"rtn","bits":"4"}]})", "bits=\"4\""},
      {R"({"configs":[{"scheme":"rtn","bits":4.0}]})", "bits"},
      {R"({"configs":[{"scheme":"rtn","bits":true}]})", "bits"},
      {R"({"configs":[{"scheme":"rtn","bits":null}]})", "null"},
      {R"({"configs":[{"scheme":"rtn","bits":[]}]})", "empty"},
      {R"({"configs":[{"scheme":"rtn","bits":[[4]]}]})", "found array"},
      {R"({"configs":[{"scheme":"rtn","bits":18446744073709551615}]})", "18446744073709551615"},
      {R"({"configs":[{"scheme":"rtn","sym":"true"}]})", "sym"},
      {R"({"configs":[{"scheme":"rtn","sym":1}]})", "sym"},
      {R"({"configs":[{"scheme":"rtn","clip":false}]})", "clip"},
      {R"({"configs":[{"scheme":"rtn","bits":4,"bits":8}]})", "given twice"},
      {R"({"configs":[{"scheme":"rtn"}],"extra":1})", "'extra'"},
      {R"({"schema":2,"configs":[{"scheme":"rtn"}]})", "schema"},
      {R"({"configs":[{"scheme":"rtn","stages":["smoothqant"]}]})", "smoothqant"},
      {R"({"configs":[{"scheme":"rtn","stages":"equalize"}]})", "list of stages"},
      {R"({"configs":[{"scheme":"rtn","stages":[{"alpha":1}]}]})", "expected a stage"},
      {R"({"configs":[{"scheme":"rtn","stages":[{"stage":"smoothquant","alpha":"much"}]}]})", "alpha"},
      {R"({"configs":[{"scheme":"rtn","overrides":{}}]})", "list of overrides"},
      {R"({"configs":[{"scheme":"rtn","overrides":[{"scheme":"float"}]}]})", "exactly one"},
      {R"({"configs":[{"scheme":"rtn","overrides":[{"name":"a","type":"b","scheme":"float"}]}]})", "exactly one"},
      {R"({"configs":[{"scheme":"rtn","overrides":[{"name":"a"}]}]})", "has a scheme"},
      {R"({"configs":[{"scheme":"rtn","overrides":[{"regex":"([","scheme":"float"}]}]})", "(["},
      {"{\"configs\":[{\"scheme\":\"\xff\"}]}", "not JSON"},
      {"{\"configs\":" + std::string(100, '[') + std::string(100, ']') + "}", "nested deeper"},
      {"{\"configs\":" + std::string(1'000'000, '['), "nested deeper"},
  };
  for (const auto& [text, says] : refusals) {
    try {
      (void)parse_config_set(text);
      ADD_FAILURE() << "no error for " << text.substr(0, 100);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr(says)) << text.substr(0, 100);
    }
  }
}

TEST(ConfigJson, StagesGoThereAndBack) {
  const Config config = parse_config(
      R"({"scheme":"rtn","stages":["equalize",{"stage":"smoothquant","alpha":"auto"}],"overrides":[{"name":"a","stages":["equalize"],"scheme":"fp8"}]})");
  EXPECT_EQ(to_text(config), "equalize() + smoothquant(alpha=auto) + rtn() | name:a = equalize() + fp8()");
  EXPECT_EQ(parse_config(config_json(config).dump()), config);
}

TEST(SchemesJson, HoldsEveryRowOfTheTable) {
  const nlohmann::ordered_json schemes = schemes_json();
  ASSERT_EQ(schemes.size(), scheme_rows().size());
  EXPECT_EQ(
      schemes[1]["fields"][3].dump(),
      R"({"name":"group_size","type":"integer","allowed":"-1, 0 or 16 to 1024","default":32,"help":"weights along K that share a scale; -1: all of an output channel; 0: all of the tensor"})");
  EXPECT_EQ(schemes[3]["fields"][0]["values"].dump(), R"(["u8","s8"])");
}

}  // namespace
}  // namespace titrate
