// Models quantized here: how many codes of the lowered graph equal the emulation, and how near the metrics are. Skipped without the models.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "engine/base/cpu.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/convert.hpp"
#include "tests/engine/passes/lower/agreement.hpp"
#include "tests/witness/ort_run.hpp"
#include "tuner/calibration.hpp"
#include "tuner/evaluation.hpp"
#include "tuner/load.hpp"
#include "tuner/running_plan.hpp"

namespace titrate {
namespace {

using engine::Model;
using engine::Tensor;

const LoopControl two_threads{.threads = 2, .progress = {}, .cancelled = {}};

struct Example {
  std::string folder;
  std::int64_t calibration = 32;  ///< samples
  std::int64_t evaluation = 200;
  double most_difference = 0.002;  ///< of the metric: lowered and emulated
  bool every_config = true;        ///< else the default alone: a large model takes long
};

void PrintTo(const Example& example, std::ostream* out) { *out << example.folder; }

class LoweredModels : public testing::TestWithParam<Example> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder() / "model.onnx")) GTEST_SKIP() << folder() << " is not there";
    model_ = load_runnable_model(folder() / "model.onnx");
    prepared_ = engine::prepare_float_model(model_);
    const auto calibration = load_data(model_, (folder() / "calibration.json").string());
    const auto part = part_of(calibration, 0, std::min(GetParam().calibration, calibration->size()));
    statistics_ = collect_statistics(prepared_, *part, false, two_threads);
    const auto all = load_data(model_, (folder() / "eval.json").string());
    data_ = part_of(all, 0, std::min(GetParam().evaluation, all->size()));
  }
  static std::filesystem::path folder() { return std::filesystem::path(TITRATE_SHARED_DIR) / "models" / GetParam().folder; }

  // What is measured is the file read back.
  [[nodiscard]] Model quantized(const std::string& config) const {
    const engine::Conversion conversion = engine::convert(prepared_, parse_config(config), statistics_);
    const witness::TemporaryFolder place;
    engine::save_model(conversion.model, place.path() / "q.onnx");
    return engine::read_model(place.path() / "q.onnx");
  }

  Model model_;
  Model prepared_;
  engine::CalibrationStatistics statistics_;
  std::shared_ptr<const Dataset> data_;
};

TEST_P(LoweredModels, NodesAreWithinAQuantumOfTheEmulation) {
  std::vector<std::string> configs = {"static_int8()", "static_int8(act=s8)", "static_int8(per_channel=false,weight_sym=false)",
                                      "static_int8(act_sym=true)", "static_int8(reduce_range=true)"};
  if (!GetParam().every_config) configs.resize(1);
  for (const std::string& config : configs) {
    const Model candidate = quantized(config);
    engine::NodeAgreement found;
    for (std::int64_t sample = 0; sample < (GetParam().every_config ? 2 : 1); ++sample) {
      const engine::NodeAgreement own = engine::node_by_node(candidate, data_->sample(sample));
      found.codes.add(own.codes);
      found.compared = own.compared;
      found.left_out = own.left_out;
    }
    EXPECT_GT(found.compared, 3) << config;
    EXPECT_LE(found.codes.largest, 1) << config;
    EXPECT_GE(found.codes.share_equal(), 0.999) << config;
    Model lowered = candidate;
    const auto coverage = engine::lower(lowered).integer_coverage();
    std::cout << GetParam().folder << " " << config << ": " << found.codes.different << " of " << found.codes.codes
              << " codes differ, by at most " << found.codes.largest << "; " << found.compared << " nodes, " << found.left_out
              << " left out; integer coverage " << coverage.value_or(-1) << "\n";
    EXPECT_GE(coverage.value_or(0), 0.99) << config;
  }
}

TEST_P(LoweredModels, MetricsAgree) {
  const Model candidate = quantized("static_int8()");
  const MetricRow& metric = metric_named("top1");
  const auto value = [&](Arithmetic arithmetic) {
    return evaluate(running_plan(candidate, arithmetic), *data_, metric, nullptr, two_threads).value;
  };
  const double lowered = value(Arithmetic::lowered);
  const double emulated = value(Arithmetic::emulated);
  std::cout << GetParam().folder << ": top1 lowered " << lowered << ", emulated " << emulated << " of " << data_->size() << " samples\n";
  EXPECT_NEAR(lowered, emulated, GetParam().most_difference + 1e-9);  // equality passes
}

// With the saturation of this processor, where it has some.
TEST_P(LoweredModels, OnnxRuntimeGivesTheSame) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<std::string> configs = {"static_int8()", "static_int8(reduce_range=true)", "static_int8(weight_sym=false,per_channel=false)"};
  if (!GetParam().every_config) configs.resize(1);
  for (const std::string& config : configs) {
    const Model candidate = quantized(config);
    std::vector<witness::OrtRun> runs;
    for (std::int64_t sample = 0; sample < 8; ++sample) runs.push_back({.model = candidate, .inputs = data_->sample(sample)});
    const auto results = witness::run_in_onnxruntime(runs);
    ASSERT_EQ(results.size(), runs.size());
    const Model running = engine::as_onnxruntime_here(candidate);
    std::int64_t different = 0;
    std::int64_t all = 0;
    double largest = 0;
    for (std::size_t index = 0; index < runs.size(); ++index) {
      ASSERT_EQ(results[index].error, "");
      const std::vector<double> own = engine::to_doubles(engine::run_model(running, runs[index].inputs).at(0));
      const std::vector<double> theirs = engine::to_doubles(results[index].outputs.at(0));
      ASSERT_EQ(own.size(), theirs.size());
      double scale = 0;
      for (const double number : theirs) scale = std::max(scale, std::abs(number));
      for (std::size_t at = 0; at < own.size(); ++at) {
        ++all;
        different += std::abs(own[at] - theirs[at]) > 1e-5 * scale ? 1 : 0;
        largest = std::max(largest, std::abs(own[at] - theirs[at]) / scale);
      }
    }
    std::cout << GetParam().folder << " " << config << ": " << different << " of " << all
              << " outputs differ from ONNX Runtime, by at most " << largest << " of the largest\n";
    EXPECT_LE(static_cast<double>(different), 0.02 * static_cast<double>(all)) << config;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, LoweredModels,
                         testing::Values(Example{.folder = "m1_mnist_cnn", .evaluation = 2000}, Example{.folder = "m3_resnet4b_cifar10"},
                                         Example{.folder = "m2_squeezenet_imagenet", .evaluation = 1000, .every_config = false}),
                         [](const auto& instance) { return instance.param.folder; });

}  // namespace
}  // namespace titrate
