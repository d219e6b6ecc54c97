#include "tuner/command_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "datasets/npz.hpp"
#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::Tensor;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two outputs whose names differ in a character that archives do not take: "a/b" = Relu(x), "a_b" = Relu("a/b"), x of shape [1,2].
engine::Model two_relus() {
  engine::Model model;
  model.ir_version = 8;
  model.set_opset("", 13);
  engine::Graph& graph = model.graph;
  const engine::ValueInfo info{.type = engine::DataType::float32, .shape = {{{.size = 1, .symbol = {}}, {.size = 2, .symbol = {}}}}};
  const engine::ValueId x = graph.add_value("x", info);
  const engine::ValueId first = graph.add_value("a/b");
  const engine::ValueId second = graph.add_value("a_b");
  graph.inputs = {x};
  graph.outputs = {first, second};
  graph.nodes.push_back({.name = "first", .type = "Relu", .domain = {}, .inputs = {x}, .outputs = {first}, .attributes = {}, .extra = {}});
  graph.nodes.push_back(
      {.name = "second", .type = "Relu", .domain = {}, .inputs = {first}, .outputs = {second}, .attributes = {}, .extra = {}});
  return model;
}

class Pairs final : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 3; }
  [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override {
    return {Tensor::of<float>({1, 2}, {-1.0F, static_cast<float>(index)})};
  }
  [[nodiscard]] bool has_labels() const override { return true; }
  [[nodiscard]] Tensor labels(std::int64_t index) const override { return Tensor::of<std::int64_t>({1}, std::vector{10 + index}); }
  [[nodiscard]] std::string description() const override { return "pairs"; }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }
};

class CommandMeter : public testing::Test {
 protected:
  // The script gets the candidate's path as $1 and the result file as $2.
  double value(const std::string& script, double limit = 60) {
    return make_command_meter(command(script, "{model} {out}"), limit)->measure({.file = "model.onnx", .plan = nullptr}, {}).value;
  }
  std::string error(const std::string& script, double limit = 60) {
    return error_of([&] { (void)value(script, limit); });
  }
  std::string command(const std::string& script, const std::string& places) {
    return "sh '" + folder_.write("metric.sh", script).string() + "' " + places;
  }

  DataFolder folder_;
};

TEST_F(CommandMeter, ValueFromTheLastLine) {
  EXPECT_EQ(value("echo thinking; echo 0.25"), 0.25);
  EXPECT_EQ(value("echo 7; echo -1e-3; echo; echo ' '"), -1e-3);
  EXPECT_EQ(value("echo 1; echo ' {\"value\": 2.5, \"more\": [1]} '"), 2.5);
  EXPECT_EQ(value("echo '{\"value\": 3}'"), 3);
}

TEST_F(CommandMeter, ValueFromTheFileGoesFirst) {
  EXPECT_EQ(value("echo '{\"value\": 4.5}' > $2; echo 42"), 4.5);
  EXPECT_EQ(value("printf 0.125 > $2"), 0.125);
  EXPECT_EQ(value(": > $2; echo 42"), 42);
}

TEST_F(CommandMeter, TheProgramGetsThePathsOfModelAndResult) {
  EXPECT_EQ(value("test \"$1\" = model.onnx && test -d \"$(dirname \"$2\")\" && test $# = 2 && echo 1"), 1);
}

TEST_F(CommandMeter, ThePathsAreNotReadAsPlaces) {
  const auto meter = make_command_meter(command("test \"$1\" = 'a {out} {model}.onnx' && echo 5", "{model}"), 60);
  EXPECT_EQ(meter->measure({.file = "a {out} {model}.onnx", .plan = nullptr}, {}).value, 5);
}

TEST_F(CommandMeter, ExitCode75IsTriedAgain) {
  const std::string counter = (folder_ / "calls").string();
  EXPECT_EQ(value("echo x >> '" + counter + "'; n=$(wc -l < '" + counter + "'); test $n -lt 3 && exit 75; echo $n"), 3);
}

TEST_F(CommandMeter, FailuresSayWhatTheProgramSaid) {
  EXPECT_THAT(error("echo ignored; echo 'the oven is cold' >&2; exit 3"), AllOf(HasSubstr("exit code 3"), HasSubstr("the oven is cold")));
  EXPECT_THAT(error("echo 'on stdout'; exit 4"), AllOf(HasSubstr("exit code 4"), HasSubstr("on stdout")));
  EXPECT_THAT(error("printf 'red\\033[31m' >&2; exit 1"), HasSubstr("red\\x1b[31m"));
}

TEST_F(CommandMeter, NoNumberIsAnError) {
  EXPECT_THAT(error("exit 0"), AllOf(HasSubstr("no number"), HasSubstr("said nothing")));
  EXPECT_THAT(error("echo 1; echo done"), AllOf(HasSubstr("no number"), HasSubstr("done")));
  EXPECT_THAT(error("echo '{\"value\": \"1\"}'"), HasSubstr("no number"));
  EXPECT_THAT(error("echo '{' > $2; echo 1"), HasSubstr("no number"));
}

TEST_F(CommandMeter, NanIsAnError) {
  EXPECT_THAT(error("echo NaN"), HasSubstr("nan"));
  EXPECT_THAT(error("echo nan"), HasSubstr("nan"));
}

TEST_F(CommandMeter, AHangingProgramIsATimeOut) {
  EXPECT_THAT(error("echo 'still at it'; sleep 1000 & wait", 2), AllOf(HasSubstr("time limit of 2 s"), HasSubstr("still at it")));
}

TEST_F(CommandMeter, CommandsThatCannotRunAreUsageErrors) {
  for (const char* wrong : {"", "  ", "prog", "prog 'open {model}", "/no/such/program {model}"}) {
    try {
      (void)make_command_meter(wrong, 60)->measure({.file = "model.onnx", .plan = nullptr}, {});
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << wrong;
    }
  }
}

TEST_F(CommandMeter, AScoreProgramGetsOutputsAndLabels) {
  const std::string copy = (folder_ / "copy.npz").string();
  const auto meter =
      make_score_meter(command("cp \"$1\" '" + copy + "' && echo 0.5 > \"$2\"", "{outputs} {out}"), 60, std::make_shared<Pairs>());
  const Candidate candidate{.file = "model.onnx", .plan = std::make_shared<const engine::Plan>(two_relus())};
  const Measurement measured = meter->measure(candidate, {.threads = 2});
  EXPECT_EQ(measured.value, 0.5);
  EXPECT_EQ(measured.samples, 3);
  const NpzArchive archive{copy};
  EXPECT_THAT(archive.names(), ElementsAre("a_b", "output_1", "labels"));
  const Tensor scores = archive.open("a_b").whole();
  EXPECT_EQ(scores.shape(), (engine::Shape{3, 2}));
  EXPECT_THAT(scores.data<float>(), ElementsAre(0, 0, 0, 1, 0, 2));
  const Tensor labels = archive.open("labels").whole();
  EXPECT_EQ(labels.shape(), (engine::Shape{3}));
  EXPECT_THAT(labels.data<std::int64_t>(), ElementsAre(10, 11, 12));
}

}  // namespace
}  // namespace titrate
