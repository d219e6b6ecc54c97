// Raised models mean what they meant: to ONNX Runtime and to our executor.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/onnx/read.hpp"
#include "engine/ops/operator.hpp"
#include "engine/passes/raise_opset.hpp"
#include "engine/run/executor.hpp"
#include "tests/engine/passes/old_forms.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

constexpr int targets[] = {9, 10, 11, 13, 18, 20, 21, 25};

Model raised(const Model& model, int target) {
  Model result = model;
  raise_opset(result, target);
  return result;
}

void expect_equal(const std::vector<Tensor>& before, const std::vector<Tensor>& after, const std::string& what) {
  ASSERT_EQ(before.size(), after.size()) << what;
  for (std::size_t output = 0; output < before.size(); ++output) {
    ASSERT_EQ(before[output].type(), after[output].type()) << what;
    ASSERT_EQ(before[output].shape(), after[output].shape()) << what;
    const std::vector<double> left = to_doubles(before[output]);
    const std::vector<double> right = to_doubles(after[output]);
    for (std::size_t index = 0; index < left.size(); ++index) {
      ASSERT_NEAR(left[index], right[index], 1e-5 * std::max(1.0, std::abs(left[index]))) << what << ", element " << index;
    }
  }
}

// The first run is of the model as it was, the others of the same model raised.
void expect_same_results(const std::vector<witness::OrtRun>& runs, const std::vector<std::string>& names, const std::vector<bool>& first) {
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size()) << "ort_run.mjs failed";
  std::size_t original = 0;
  for (std::size_t index = 0; index < runs.size(); ++index) {
    EXPECT_EQ(results[index].error, "") << names[index];
    if (first[index]) original = index;
    if (results[index].error.empty() && results[original].error.empty()) {
      expect_equal(results[original].outputs, results[index].outputs, names[index]);
    }
  }
}

TEST(RaiseOpsetWitness, OnnxRuntimeSeesTheSameMeaning) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  std::vector<std::string> names;
  std::vector<bool> first;
  for (const OldForm& form : old_forms()) {
    runs.push_back({form.model, form.inputs});
    names.push_back(form.name);
    first.push_back(true);
    for (const int target : targets) {
      if (target <= form.model.opset() || target > form.last_in_onnxruntime) continue;
      names.push_back(cat(form.name, " raised to ", target));
      first.push_back(false);
      runs.push_back({raised(form.model, target), form.inputs});
    }
  }
  EXPECT_GT(runs.size(), 400U);
  expect_same_results(runs, names, first);
}

TEST(RaiseOpsetWitness, OurExecutorSeesTheSameMeaning) {
  int compared = 0;
  for (const OldForm& form : old_forms()) {
    SCOPED_TRACE(form.name);
    if (!form.runs_here || !unsupported_operators(form.model).empty()) continue;
    const std::vector<Tensor> before = Executor(std::make_shared<const Plan>(form.model)).run(form.inputs);
    for (const int target : targets) {
      const Model model = raised(form.model, std::max<int>(target, static_cast<int>(form.model.opset())));
      if (!unsupported_operators(model).empty()) continue;
      ++compared;
      SCOPED_TRACE(cat(form.name, " raised to ", target));
      expect_equal(before, Executor(std::make_shared<const Plan>(model)).run(form.inputs), cat(form.name, " raised to ", target));
    }
  }
  EXPECT_GT(compared, 0);
}

TEST(RaiseOpsetWitness, RealModelsComeThrough) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models at " << folder;
  std::vector<witness::OrtRun> runs;
  std::vector<std::string> names;
  std::vector<bool> first;
  const std::pair<std::string, std::vector<Tensor>> models[] = {
      {"m1_mnist_cnn", {numbers({1, 1, 28, 28}, 11, 128)}},
      {"m2_squeezenet_imagenet", {numbers({1, 3, 224, 224}, 12)}},
      {"m3_resnet4b_cifar10", {numbers({1, 3, 32, 32}, 13)}},
      {"m4_silero_vad", {numbers({1, 576}, 14), numbers({2, 1, 128}, 15), Tensor::scalar<std::int64_t>(16000)}},
      {"m5_stories260k", {Tensor::of<std::int64_t>({1, 5}, {1, 403, 407, 261, 378})}},
      {"m6_yolox_nano_coco", {numbers({1, 3, 416, 416}, 16, 255)}},
  };
  for (const auto& [name, inputs] : models) {
    const Model model = read_model(folder / name / "model.onnx");
    first.push_back(true);
    names.push_back(name);
    runs.push_back({model, inputs});
    for (const int target : {13, 19, 21, 25}) {
      if (target <= model.opset()) continue;
      first.push_back(false);
      names.push_back(cat(name, " raised to ", target));
      runs.push_back({raised(model, target), inputs});
      EXPECT_EQ(runs.back().model.opset(), target);
    }
  }
  expect_same_results(runs, names, first);
}

}  // namespace
}  // namespace titrate::engine
