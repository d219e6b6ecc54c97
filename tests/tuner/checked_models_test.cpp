// Our own exports of the shared models come out clean on the target that they were made for. Skipped without the models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/quant/check/check.hpp"
#include "tuner/calibration.hpp"
#include "tuner/load.hpp"

namespace titrate {
namespace {

const LoopControl two_threads{.threads = 2, .progress = {}, .cancelled = {}};

class CheckedModels : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models" / GetParam();
    if (!std::filesystem::exists(folder / "model.onnx")) GTEST_SKIP() << folder << " is not there";
    const engine::Model model = load_runnable_model(folder / "model.onnx");
    prepared_ = engine::prepare_float_model(model);
    const auto data = load_data(model, (folder / "calibration.json").string());
    statistics_ = collect_statistics(prepared_, *part_of(data, 0, 8), false, two_threads);
  }

  [[nodiscard]] engine::CheckReport report(const std::string& config, const std::string& name) const {
    const engine::Target target = engine::find_target(name);
    return engine::check(engine::convert(prepared_, parse_config(config), statistics_, {}, engine::WeightForm::qdq, target).model, target);
  }

  engine::Model prepared_;
  engine::CalibrationStatistics statistics_;
};

TEST_P(CheckedModels, AreClean) {
  for (const std::string target : {"onnxruntime", "openvino", "tensorrt"}) {
    for (const std::string config : {"static_int8()", "rtn()"}) {
      const engine::CheckReport found = report(config, target);
      EXPECT_EQ(found.count(engine::Severity::error), 0U) << target << " " << config;
      EXPECT_EQ(found.count(engine::Severity::warning), 0U) << target << " " << config << ": " << found.findings[0].words;
    }
  }
}

// int8 codes that several nodes read stay int8 in ONNX Runtime on x86, and its Gemm wants an int32 bias: slow there, not wrong.
TEST_P(CheckedModels, OfAllTargetsAreNotWrong) {
  const engine::CheckReport found = report("static_int8()", "any");
  EXPECT_EQ(found.count(engine::Severity::error), 0U);
  for (const engine::Finding& finding : found.findings) {
    if (finding.severity != engine::Severity::warning) continue;
    EXPECT_THAT(finding.rule, testing::AnyOf("shared_int8", "float_arithmetic"));
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, CheckedModels, testing::Values("m1_mnist_cnn", "m3_resnet4b_cifar10"),
                         [](const auto& each) { return std::string(each.param).substr(0, 2); });

}  // namespace
}  // namespace titrate
