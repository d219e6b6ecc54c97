// titrate check and --target as a user meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/tuner/cli/built_program.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;

class CheckCommand : public BuiltProgram {
 protected:
  [[nodiscard]] int quantize(const std::string& options, const std::string& output) const {
    return run("quantize " + glyphs_ + " --config 'static_int8()' --calibration embedded --output " + output + " " + options).code;
  }
};

TEST_F(CheckCommand, FindsOurOwnExportClean) {
  ASSERT_EQ(quantize("", "q.onnx"), 0);
  const Result text = run("check q.onnx");
  EXPECT_EQ(text.code, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("on onnxruntime: 0 errors, 0 warnings"));
  const auto json = nlohmann::json::parse(run("check q.onnx --json").output);
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["target"], "onnxruntime");
  EXPECT_EQ(json["errors"], 0);
  EXPECT_EQ(json["findings"].size(), json["notes"].get<std::size_t>());
}

TEST_F(CheckCommand, EndsWithFourWhereTheTargetDoesNotLoadIt) {
  ASSERT_EQ(quantize("", "q.onnx"), 0);
  const Result refused = run("check q.onnx --target tensorrt --json");
  EXPECT_EQ(refused.code, 4);
  const auto json = nlohmann::json::parse(refused.output);
  EXPECT_GT(json["errors"], 0);
  const auto& first = json["findings"][0];
  EXPECT_EQ(first["severity"], "error");
  for (const char* key : {"node", "type", "rule", "words", "hint"}) EXPECT_TRUE(first[key].is_string()) << key;
  ASSERT_EQ(quantize("--target tensorrt", "t.onnx"), 0);
  EXPECT_EQ(run("check t.onnx --target tensorrt").code, 0);
}

TEST_F(CheckCommand, TakesADescriptionOfOnesOwn) {
  write("npu.json", R"({"schema": 1, "name": "npu", "extends": "tensorrt", "patterns": [
    {"operators": ["Conv"], "input": {"types": ["int8"], "symmetric": true}, "bias": {"types": ["float32"]},
     "weights": {"types": ["int8"], "granularity": ["tensor"], "symmetric": true}}]})");
  ASSERT_EQ(quantize("--target npu.json", "n.onnx"), 0);
  const Result result = run("check n.onnx --target npu.json");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("on npu: 0 errors, 0 warnings"));
  ASSERT_EQ(quantize("--target tensorrt", "t.onnx"), 0);
  EXPECT_THAT(run("check t.onnx --target npu.json").output, HasSubstr("granularity: its weights have a scale for each channel"));
}

TEST_F(CheckCommand, RefusesWrongDescriptions) {
  ASSERT_EQ(quantize("", "q.onnx"), 0);
  refuse("check q.onnx --target tensort", 2, "did you mean 'tensorrt'");
  write("wrong.json", "{\"schema\": 1,\n \"name\": \"x\",\n \"pattern\": []}");
  refuse("check q.onnx --target wrong.json", 3, "wrong.json, line 3, pattern");
  refuse("tune " + glyphs_ + " --data embedded --target wrong.json", 3, "line 3");
  refuse("check gone.onnx", 3, "gone.onnx");
}

}  // namespace
}  // namespace titrate
