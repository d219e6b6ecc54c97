// The built program as a user meets it: exit codes, messages, what is on stdout, what is left on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/tuner/cli/built_program.hpp"

namespace titrate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using CommandLine = BuiltProgram;

TEST_F(CommandLine, RefusesBadModels) {
  const std::string model = read_file(TITRATE_SOURCE_DIR "/datasets/embedded/glyphs.onnx");
  write("poem.onnx", "This is a poem, not a model.\n");
  write("empty.onnx", "");
  write("cut.onnx", model.substr(0, model.size() / 2));
  for (const std::string name : {"poem.onnx", "empty.onnx", "cut.onnx", "missing.onnx"}) refuse("inspect " + name, 3, name);
}

TEST_F(CommandLine, RefusesBadWords) {
  refuse("tuen x.onnx", 2, "tuen");
  refuse("eval " + glyphs_ + " --metric top1", 2, "--data");
  refuse("eval " + glyphs_ + " --data embedded --metric top7", 2, "top7");
  const std::string quantize = "quantize " + glyphs_ + " --output out.onnx --config ";
  refuse(quantize + "'rtm(bits=4)'", 2, "rtm");
  refuse(quantize + "'rtn(bits=9)'", 2, "9");
  refuse(quantize + "'rtn() | name:no_such_node = float'", 2, "no_such_node");
  refuse(quantize + "''", 2, "config");
  refuse("tune " + glyphs_ + " --data embedded --strategy psychic", 2, "psychic");
}

TEST_F(CommandLine, RefusesBadData) {
  write("broken.json", "{\"inputs\": {");
  refuse("eval " + glyphs_ + " --data broken.json --metric top1", 3, "broken.json");
  refuse("eval " + glyphs_ + " --data gone.npz --metric top1", 3, "gone.npz");
}

TEST_F(CommandLine, RefusesAConfigThatQuantizesNothing) {
  refuse("quantize " + glyphs_ + " --config float --output out.onnx", 3, "quantizes nothing");
  // Overrides that say float everywhere were meant: done, and said; but nothing to try while tuning.
  const std::string all_float = "'rtn() | type:Conv = float | type:Gemm = float'";
  const Result result = run("quantize " + glyphs_ + " --config " + all_float + " --output out.onnx");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.errors, HasSubstr("warning: nothing is quantized"));
  const Result tuned = run("tune " + glyphs_ + " --data embedded --configs " + all_float);
  EXPECT_EQ(tuned.code, 6);
  EXPECT_THAT(tuned.errors, HasSubstr("quantizes nothing"));
}

TEST_F(CommandLine, AnInterruptedRunThatBeganAfreshSaysHowToGoOnWithWhatItHas) {
  write("metric.sh", "cd \"$(dirname \"$0\")\"\nif [ -e measured ]; then kill -INT $PPID; sleep 20; fi\ntouch measured\necho 1\n");
  const std::string metric = " --metric-cmd 'sh " + (folder_ / "metric.sh").string() + " {model} {out}'";
  const Result result = run("tune " + glyphs_ + " --data embedded --configs rtn --fresh" + metric);
  EXPECT_EQ(result.code, 130);
  const std::size_t place = result.errors.find("To go on:");
  ASSERT_NE(place, std::string::npos) << result.errors;
  EXPECT_THAT(result.errors.substr(place), AllOf(HasSubstr(" tune "), Not(HasSubstr("--fresh"))));
}

TEST_F(CommandLine, RefusesPlacesThatCannotBe) {
  refuse("quantize " + glyphs_ + " --config 'rtn(bits=8)' --output " + glyphs_ + "/out.onnx", 2, "out.onnx");
  write("diary.db", std::string(4000, 'x'));
  refuse("trials diary.db", 7, "diary.db");
  refuse("tune " + glyphs_ + " --data embedded --configs rtn --study diary.db --output out.onnx", 7, "diary.db");
  EXPECT_EQ(read_file(folder_ / "diary.db"), std::string(4000, 'x'));
}

TEST_F(CommandLine, AFullDiskLeavesNothingHalf) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  // A file size limit of 16 KB stands for the disk that fills up.
  write("precious.onnx", "precious");
  const Result result = run("--version >/dev/null; ulimit -f 16; trap '' XFSZ; '" + program_.string() + "' quantize " + glyphs_ +
                            " --config 'rtn(bits=8)' --output precious.onnx");
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.errors, HasSubstr("precious.onnx"));
  EXPECT_EQ(read_file(folder_ / "precious.onnx"), "precious");
}

// A quantized model says what runs on integers and why the rest does not; eval runs it both ways.
TEST_F(CommandLine, InspectsHowAModelRuns) {
  const Result made = run("quantize " + glyphs_ + " --config 'static_int8()' --calibration embedded --output q.onnx --json");
  ASSERT_EQ(made.code, 0) << made.errors;
  const Result inspected = run("inspect q.onnx --lowering --json");
  ASSERT_EQ(inspected.code, 0) << inspected.errors;
  const auto document = nlohmann::json::parse(inspected.output);
  EXPECT_EQ(document["schema"], 1);
  EXPECT_EQ(document["lowering"]["integer_coverage"], 1.0);
  ASSERT_FALSE(document["lowering"]["nodes"].empty());
  for (const auto& node : document["lowering"]["nodes"]) {
    EXPECT_TRUE(node["integer"]) << node.dump();
    for (const char* key : {"name", "type", "reason", "multiply_accumulates"}) EXPECT_TRUE(node.contains(key)) << key;
  }
  const Result plain = run("inspect " + glyphs_ + " --lowering");
  EXPECT_THAT(plain.output, HasSubstr("integer coverage: 0 % of the multiply-accumulates"));
  EXPECT_THAT(plain.output, HasSubstr("the model has no quantizers"));
  EXPECT_TRUE(document["lowering"]["sizes_taken_as_1"].empty());  // the batch alone is open
  const auto value = [&](const std::string& words) {
    return nlohmann::json::parse(run("eval q.onnx --data embedded --metric top1 --json" + words).output);
  };
  const auto lowered = value("");
  const auto emulated = value(" --emulate");
  EXPECT_EQ(lowered["arithmetic"], "lowered");
  EXPECT_EQ(emulated["arithmetic"], "emulated");
  EXPECT_NEAR(lowered["value"].get<double>(), emulated["value"].get<double>(), 0.002);
}

TEST_F(CommandLine, TunesAndReports) {
  const std::string tune =
      "tune " + glyphs_ + " --data embedded --configs 'rtn(bits=8,group_size=-1)' --study s.db --output o.onnx --report r.html";
  const Result result = run(tune + " --json");
  ASSERT_EQ(result.code, 0) << result.errors;
  const auto json = nlohmann::json::parse(result.output);
  EXPECT_EQ(json["verdict"], "met");
  EXPECT_EQ(json["best"]["size_bytes"], fs::file_size(folder_ / "o.onnx"));
  EXPECT_THAT(read_file(folder_ / "r.html"), HasSubstr("</html>"));
  for (const std::string format : {"terminal", "json", "html", "markdown"}) {
    const Result report = run("report s.db --format " + format);
    EXPECT_EQ(report.code, 0);
    EXPECT_THAT(report.output, HasSubstr("rtn(bits=8,group_size=-1)"));
  }
  // Another metric is another study.
  const Result other = run(tune + " --metric top5");
  EXPECT_EQ(other.code, 7);
  EXPECT_THAT(other.errors, HasSubstr("metric"));
  EXPECT_EQ(run(tune + " --metric top5 --fresh --quiet").code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "s.db.1"));
}

// Which one is best depends on the machine; that it is the one at the output does not.
TEST_F(CommandLine, TunesForLatency) {
  const Result result =
      run("tune " + glyphs_ +
          " --data embedded --objective latency --configs 'rtn(bits=8,group_size=[-1,32])' --study s.db --output o.onnx --json");
  ASSERT_EQ(result.code, 0) << result.errors;
  const auto json = nlohmann::json::parse(result.output);
  EXPECT_EQ(json["trials"], 2);
  EXPECT_EQ(json["best"]["size_bytes"], fs::file_size(folder_ / "o.onnx"));
  for (const auto& each : {json["baseline"], json["best"]}) {
    EXPECT_GT(each["latency_ms"], 0);
    EXPECT_GE(each["latency_noise_ms"], 0);
  }
  EXPECT_THAT(run("trials s.db").output, testing::ContainsRegex("±[0-9.]+ ms|\\+-[0-9.]+ ms"));
}

}  // namespace
}  // namespace titrate
