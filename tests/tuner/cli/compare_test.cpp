// titrate compare from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/tuner/cli/built_program.hpp"

namespace titrate {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using CompareCommand = BuiltProgram;

TEST_F(CompareCommand, NamesTheWorstLayerAndWritesThePage) {
  ASSERT_EQ(run("quantize " + glyphs_ + " --config 'static_int8()' --calibration embedded --output q.onnx").code, 0);
  const std::string words = "compare " + glyphs_ + " q.onnx --data embedded --samples 6";
  const Result text = run(words + " --report page.html");
  EXPECT_EQ(text.code, 0) << text.errors;
  EXPECT_THAT(text.output, AllOf(HasSubstr("Worst: "), HasSubstr("Most promising: "), HasSubstr("over 6 samples")));
  EXPECT_THAT(read_file(folder_ / "page.html"), AllOf(HasSubstr("Along the network"), HasSubstr("</html>")));
  const auto document = nlohmann::json::parse(run(words + " --json").output);
  EXPECT_EQ(document["schema"], 1);
  EXPECT_EQ(document["samples"], 6);
  EXPECT_TRUE(document["unmatched"].empty());
  EXPECT_THAT(text.output, HasSubstr("Worst: " + document["worst_layer"].get<std::string>()));
  // Another number of threads says the same.
  EXPECT_EQ(run(words + " --json --threads 1").output, run(words + " --json --threads 3").output);
}

TEST_F(CompareCommand, ReadsMatricesThatAreStoredPacked) {
  ASSERT_EQ(run("quantize " + glyphs_ + " --config 'rtn(bits=4)' --form nbits --output q.onnx").code, 0);
  const auto document = nlohmann::json::parse(run("compare " + glyphs_ + " q.onnx --data embedded --samples 2 --json").output);
  EXPECT_TRUE(document["unmatched"].empty());
  bool packed = false;
  for (const auto& layer : document["layers"]) {
    packed = packed || layer["type"] == "MatMulNBits";
    EXPECT_GT(layer["alone"]["sqnr_db"], 10) << layer["name"];
    EXPECT_LT(layer["alone"]["sqnr_db"], 60) << layer["name"];
  }
  EXPECT_TRUE(packed);
}

TEST_F(CompareCommand, RefusesModelsThatAreNoPair) {
  refuse("compare " + glyphs_ + " " + glyphs_ + " --data embedded", 3, "no quantized layers");
  refuse("compare " + glyphs_ + " --data embedded", 2, "QUANTIZED");
  refuse("compare " + glyphs_ + " gone.onnx --data embedded", 3, "gone.onnx");
  refuse("compare " + glyphs_ + " " + glyphs_ + " --data gone.npz", 3, "gone.npz");
}

}  // namespace
}  // namespace titrate
