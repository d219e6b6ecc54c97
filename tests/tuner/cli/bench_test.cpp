// titrate bench as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/onnx/write.hpp"
#include "tests/tuner/cli/built_program.hpp"

namespace titrate {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// y = Relu(x) for x of the type and sizes (-1: left open).
void save_relu(const fs::path& file, engine::DataType type, const std::vector<std::int64_t>& sizes) {
  engine::Model model;
  model.ir_version = 8;
  model.set_opset("", 14);
  engine::ValueInfo info{.type = type, .shape = std::vector<engine::Dimension>{}};
  for (const std::int64_t size : sizes) info.shape->push_back({.size = size, .symbol = {}});
  const engine::ValueId x = model.graph.add_value("x", info);
  const engine::ValueId y = model.graph.add_value("y", info);
  model.graph.inputs = {x};
  model.graph.outputs = {y};
  model.graph.nodes.push_back(
      {.name = "the <relu>\x1b", .type = "Relu", .domain = {}, .inputs = {x}, .outputs = {y}, .attributes = {}, .extra = {}});
  engine::save_model(model, file);
}

class Bench : public BuiltProgram {
 protected:
  [[nodiscard]] json bench(const std::string& words) const {
    const Result result = run("bench --seconds 0.05 --json " + words);
    EXPECT_EQ(result.code, 0) << result.errors;
    return json::parse(result.output);
  }
};

TEST_F(Bench, SaysWhatWasMeasured) {
  const json document = bench(glyphs_ + " --threads 1");
  EXPECT_EQ(document["schema"], 1);
  const json& latency = document["latency_ms"];
  EXPECT_GT(latency["minimum"], 0);
  EXPECT_LE(latency["minimum"], latency["p10"]);
  EXPECT_LE(latency["p10"], latency["median"]);
  EXPECT_LE(latency["median"], latency["p90"]);
  EXPECT_GE(latency["noise"], 0);
  EXPECT_NEAR(document["throughput"], 1000 / latency["median"].get<double>(), 1e-6 * document["throughput"].get<double>());
  EXPECT_EQ(document["threads"], 1);
  EXPECT_EQ(document["batch"], 1);
  EXPECT_GE(document["repetitions"], 6);
  EXPECT_GE(document["warm_up"], 3);
  EXPECT_EQ(document["inputs"].size(), 1U);
  EXPECT_FALSE(document.contains("profile"));
  const Result text = run("bench --seconds 0.05 --threads 1 " + glyphs_);
  for (const std::string word : {"latency", " ms", "p10", "samples/s", "1 thread", "made up (seed 0)"})
    EXPECT_THAT(text.output, HasSubstr(word));
}

TEST_F(Bench, TakesData) {
  const json document = bench(glyphs_ + " --data embedded");
  EXPECT_TRUE(document["inputs"].empty());
  EXPECT_TRUE(document["notes"].empty());
}

TEST_F(Bench, FillsSizesThatTheModelLeavesOpen) {
  save_relu(folder_ / "open.onnx", engine::DataType::float32, {-1, 3, -1});
  EXPECT_EQ(bench("open.onnx")["inputs"][0]["shape"], json({1, 3, 1}));
  const json document = bench("open.onnx --batch 4");
  EXPECT_EQ(document["inputs"][0]["shape"], json({4, 3, 1}));
  EXPECT_EQ(document["batch"], 4);
  EXPECT_EQ(document["batch_mode"], "tensor");
  EXPECT_THAT(document["notes"].dump(), HasSubstr("x[0] = 4, x[2] = 1"));
  EXPECT_NEAR(document["throughput"], 4000 / document["latency_ms"]["median"].get<double>(), 1e-6 * document["throughput"].get<double>());
}

TEST_F(Bench, RunsSamplesOfAFixedBatchOneByOneAndSaysSo) {
  save_relu(folder_ / "one.onnx", engine::DataType::int32, {1, 3});
  const json document = bench("one.onnx --batch 5 --threads 2");
  EXPECT_EQ(document["batch_mode"], "samples");
  EXPECT_EQ(document["inputs"][0]["shape"], json({1, 3}));
  EXPECT_EQ(document["inputs"][0]["content"], "random, 0 or 1");
  EXPECT_THAT(document["notes"].dump(), HasSubstr("one by one"));
  EXPECT_NEAR(document["throughput"], 5000 / document["latency_ms"]["median"].get<double>(), 1e-6 * document["throughput"].get<double>());
}

TEST_F(Bench, RefusesWhatCannotBeMeasured) {
  save_relu(folder_ / "four.onnx", engine::DataType::float32, {4, 3});
  refuse("bench four.onnx --batch 3", 2, "fixed at 4");
  EXPECT_EQ(bench("four.onnx")["batch"], 4);
  save_relu(folder_ / "words.onnx", engine::DataType::string, {1, 3});
  refuse("bench words.onnx", 3, "string");
  refuse("bench missing.onnx", 3, "missing.onnx");
  refuse("bench " + glyphs_ + " --batch 0", 2, "--batch");
  refuse("bench " + glyphs_ + " --threads 0", 2, "--threads");
}

TEST_F(Bench, ProfilesNodeByNode) {
  const json profile = bench(glyphs_ + " --profile")["profile"];
  EXPECT_GE(profile["runs"], 3);
  double share = 0;
  double total = 0;
  for (const json& node : profile["nodes"]) {
    EXPECT_EQ(node["calls"], profile["runs"]);
    EXPECT_FALSE(node["type"].get<std::string>().empty());
    share += node["share"].get<double>();
    total += node["total_ms"].get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(total, profile["total_ms"], 1e-9 * total);
  const Result text = run("bench --seconds 0.05 --profile " + glyphs_);
  for (const std::string word : {"Conv", "calls", "total ms", "share"}) EXPECT_THAT(text.output, HasSubstr(word));
}

TEST_F(Bench, WritesAChromeTrace) {
  save_relu(folder_ / "relu.onnx", engine::DataType::float32, {1, 3});
  const json document = bench("relu.onnx --trace trace.json");
  EXPECT_FALSE(document.contains("profile"));
  const std::string text = read_file(folder_ / "trace.json");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const json trace = json::parse(text);
  int complete = 0;
  double end = 0;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    ++complete;
    EXPECT_EQ(event["name"], "the <relu>\x1b");
    EXPECT_EQ(event["cat"], "Relu");
    EXPECT_GE(event["ts"], end);  // one after the other
    EXPECT_GE(event["dur"], 0);
    end = event["ts"].get<double>() + event["dur"].get<double>();
  }
  EXPECT_GE(complete, 3);
  EXPECT_LE(complete, 10);
}

}  // namespace
}  // namespace titrate
