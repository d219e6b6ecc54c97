// A language model by its metrics: the figures that ONNX Runtime's outputs give. Skipped without the model.
#include <gtest/gtest.h>

#include <filesystem>

#include "tuner/evaluation.hpp"
#include "tuner/load.hpp"
#include "tuner/running_plan.hpp"

namespace titrate {
namespace {

const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models/m5_stories260k";
const LoopControl two_threads{.threads = 2, .progress = {}, .cancelled = {}};

TEST(LanguageModel, HasThePerplexityThatOnnxRuntimeGives) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const engine::Model model = load_runnable_model(folder / "model.onnx");
  const auto data = load_data(model, (folder / "eval.json").string());
  const auto plan = running_plan(model);
  const Evaluation perplexity = evaluate(plan, *data, perplexity_metric, nullptr, two_threads);
  EXPECT_NEAR(perplexity.value, 5.929137, 5e-6);
  EXPECT_EQ(perplexity.samples, 29696);
  EXPECT_FALSE(perplexity.correct);
  const Evaluation top1 = evaluate(plan, *data, top1_metric, nullptr, two_threads);
  EXPECT_EQ(top1.correct, 16765);
  EXPECT_EQ(top1.samples, 29696);
}

}  // namespace
}  // namespace titrate
