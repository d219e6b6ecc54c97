// Descriptions of back-ends: what is read, and how a wrong file is refused.
#include "engine/quant/targets/read_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/targets/built_in.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    (void)read_target(text, "npu.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "accepted";
}

// `lines` stand in the list of patterns, from line 2 on.
std::string with_patterns(const std::string& lines) { return "{\"schema\": 1, \"name\": \"npu\", \"patterns\": [\n" + lines + "\n]}"; }

TEST(ReadTarget, BuiltInOnesAreFound) {
  for (const BuiltInTarget& each : built_in_targets()) {
    const Target target = find_target(std::string(each.name));
    EXPECT_EQ(target.name, each.name);
    EXPECT_NE(target.integer_pattern("Conv"), nullptr) << each.name;
    EXPECT_EQ(target.integer_pattern("LayerNormalization"), nullptr) << each.name;
  }
  EXPECT_EQ(default_target().name, "onnxruntime");
}

TEST(ReadTarget, ReadsPatternsOfOneAndTwoOperators) {
  const Target target = read_target(with_patterns(R"({"operators": ["Conv|Gemm"],
    "input": {"types": ["int8"], "symmetric": true, "least_scale": 0.001},
    "weights": {"types": ["int8"], "granularity": ["tensor"], "least_scale": 0.002},
    "bias": {"types": ["float32"]},
    "output": {"types": ["int8"], "symmetric": true, "quantized": "always"}},
   {"operators": ["Conv|Gemm", "Relu"]},
   {"operators": ["Sigmoid"], "input": {"types": ["int8"]},
    "output": {"types": ["int8"], "fixed": [{"type": "int8", "scale": 0.00390625, "zero_point": -128}]}})"),
                                    "npu.json");
  const Pattern* conv = target.integer_pattern("Conv");
  ASSERT_NE(conv, nullptr);
  EXPECT_TRUE(conv->input.symmetric);
  EXPECT_EQ(conv->input.scale.least, 0.001F);
  EXPECT_FALSE(conv->weights->per_channel);
  EXPECT_EQ(conv->weights->least_scale, 0.002F);
  EXPECT_THAT(conv->bias_types, ElementsAre(DataType::float32));
  const Pattern* fused = target.integer_pattern("Gemm", "Relu");
  ASSERT_NE(fused, nullptr) << "each alternative is a pattern";
  EXPECT_EQ(fused->fusion, Fusion::always);
  EXPECT_TRUE(fused->output_quantized_always) << "what it does not say comes from the pattern of Gemm alone";
  EXPECT_EQ(target.integer_pattern("Sigmoid")->output.fixed_for(DataType::int8)->parameters, (AffineParameters{0.00390625F, -128}));
  EXPECT_EQ(target.integer_pattern("Sigmoid")->output.fixed_for(DataType::uint8), nullptr);
  EXPECT_EQ(target.storage_pattern("Conv", DataType::float32), nullptr);
}

TEST(ReadTarget, ExtendsABuiltInOne) {
  const Target target = read_target(R"({"schema": 1, "name": "old x86", "extends": "onnxruntime", "pair_sum_bits": 16})", "old.json");
  EXPECT_EQ(target.name, "old x86");
  EXPECT_EQ(target.source, "old.json");
  EXPECT_EQ(target.pair_sum_bits, 16);
  EXPECT_TRUE(target.onnxruntime);
  const Target changed = read_target(
      R"({"schema": 1, "name": "x", "extends": "onnxruntime", "patterns": [{"operators": ["Conv"], "input": {"types": ["int8"]},
          "weights": {"types": ["int8"]}}]})",
      "x.json");
  EXPECT_THAT(changed.integer_pattern("Conv")->input.types, ElementsAre(DataType::int8)) << "the file's own pattern is found first";
  EXPECT_NE(changed.integer_pattern("Gemm"), nullptr);
}

TEST(ReadTarget, RefusesWithLineAndKey) {
  EXPECT_THAT(refusal("{\n  \"schema\": 1,\n  \"name\" \"npu\"}"), AllOf(HasSubstr("not JSON"), HasSubstr("line 3")));
  EXPECT_THAT(refusal("[1]"), HasSubstr("expected an object, found a list"));
  EXPECT_THAT(refusal("{\"schema\": 2, \"name\": \"x\"}"), AllOf(HasSubstr("line 1, schema"), HasSubstr("2 is not")));
  EXPECT_THAT(refusal("{\"schema\": 1, \"name\": \"x\"}"), HasSubstr("'patterns' is missing"));
  EXPECT_THAT(refusal("{\"schema\": 1,\n\n\"nmae\": \"x\"}"), AllOf(HasSubstr("line 3, nmae"), HasSubstr("did you mean 'name'")));
  EXPECT_THAT(refusal("{\"schema\": 1, \"name\": \"x\", \"name\": \"y\"}"), HasSubstr("given twice"));
  EXPECT_THAT(refusal("{\"schema\": 1, \"name\": \"x\", \"pair_sum_bits\":\n 24\n, \"patterns\": []}"),
              AllOf(HasSubstr("line 2, pair_sum_bits"), HasSubstr("16 or 32")))
      << "a line break behind a number belongs to the line of the number";
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv"],
 "input": {"types": ["int9"]}})")),
              AllOf(HasSubstr("line 3, patterns[0].input.types[0]"), HasSubstr("'int9' is no element type")));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv", "Relu", "Add"], "input": {"types": ["int8"]}})")), HasSubstr("at most two"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv", "Relu"]})")), HasSubstr("no pattern of Conv alone"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv||Gemm"], "input": {"types": ["int8"]}})")), HasSubstr("is no operator"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv"], "input": {"types": ["int8"]}, "weights": {"types": ["int4"]}})")),
              HasSubstr("int8 or uint8"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv"], "input": {"types": ["int8"]}, "output": {"types": ["int8"],
    "parameters": "equal", "fixed": [{"type": "int8", "scale": 1, "zero_point": 0}]}})")),
              HasSubstr("cannot be those of the input"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv"], "input": {"types": ["int8"], "least_scale": -1}})")),
              HasSubstr("not a positive number"));
  EXPECT_THAT(refusal(with_patterns(R"({"operators": ["Conv"], "input": {"types": ["int8"], "least_scale": 2, "most_scale": 1}})")),
              HasSubstr("above most_scale"));
  EXPECT_THAT(refusal(std::string(100, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal("{\"schema\": 1, \"name\": \"x\", \"load_failures\": [\"zeropoint\"], \"patterns\": []}"),
              AllOf(HasSubstr("load_failures[0]"), HasSubstr("did you mean 'zero_point'")));
}

TEST(FindTarget, ReadsAFileAndNamesWhatIsThere) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "npu.json").string();
  std::ofstream(path) << R"({"schema": 1, "name": "npu", "extends": "tensorrt"})";
  EXPECT_EQ(find_target(path).source, path);
  const auto complaint = [](const std::string& word) -> std::string {
    try {
      (void)find_target(word);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(complaint("tensort"), AllOf(HasSubstr("did you mean 'tensorrt'"), HasSubstr("onnxruntime, openvino, tensorrt, any")));
  EXPECT_THAT(complaint("nowhere.json"), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace titrate::engine
