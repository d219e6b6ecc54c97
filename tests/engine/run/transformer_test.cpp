// A decoder transformer with dynamic batch and length against ONNX Runtime, at several sizes. Skipped without the model or without ONNX
// Runtime.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/run/executor.hpp"
#include "tests/witness/ort_run.hpp"
#include "tuner/running_plan.hpp"

namespace titrate::engine {
namespace {

const std::filesystem::path file = std::filesystem::path(TITRATE_SHARED_DIR) / "models/m5_stories260k/model.onnx";

struct Size {
  std::int64_t batch;
  std::int64_t length;
};

constexpr Size sizes[] = {{1, 1}, {1, 5}, {1, 512}, {3, 1}, {3, 5}, {3, 512}};

Tensor tokens(const Size& size) {
  std::mt19937 random(static_cast<unsigned>(1000 * size.batch + size.length));
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(size.batch * size.length));
  for (std::int64_t& number : numbers) number = static_cast<std::int64_t>(random() % 512);
  return Tensor::of<std::int64_t>({size.batch, size.length}, numbers);
}

// The largest difference beside the largest number that is expected.
double relative_difference(const Tensor& actual, const Tensor& expected) {
  double largest = 0;
  double difference = 0;
  for (std::size_t index = 0; index < expected.data<float>().size(); ++index) {
    const auto wanted = static_cast<double>(expected.data<float>()[index]);
    largest = std::max(largest, std::abs(wanted));
    difference = std::max(difference, std::abs(wanted - static_cast<double>(actual.data<float>()[index])));
  }
  return difference / largest;
}

TEST(Transformer, AgreesWithOnnxRuntimeAtEveryLengthAndBatch) {
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  const Model model = read_model(file);
  std::vector<witness::OrtRun> runs;
  for (const Size& size : sizes) runs.push_back({.model = model, .inputs = {tokens(size)}});
  const std::vector<witness::OrtResult> wanted = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(wanted.size(), std::size(sizes));
  // One executor for all sizes: its buffers and inferred shapes must follow.
  Executor as_it_is(std::make_shared<const Plan>(model));
  Executor for_running(running_plan(model));
  for (std::size_t index = 0; index < std::size(sizes); ++index) {
    SCOPED_TRACE(cat("batch ", sizes[index].batch, ", length ", sizes[index].length));
    ASSERT_EQ(wanted[index].error, "");
    for (Executor* executor : {&as_it_is, &for_running}) {
      const std::vector<Tensor> outputs = executor->run(runs[index].inputs);
      ASSERT_EQ(outputs[0].shape(), (Shape{sizes[index].batch, sizes[index].length, 512}));
      ASSERT_EQ(outputs[0].shape(), wanted[index].outputs[0].shape());
      EXPECT_LE(relative_difference(outputs[0], wanted[index].outputs[0]), 1e-4);
    }
  }
}

// What a row of a batch gives does not depend on the others: no ONNX Runtime is needed to see that.
TEST(Transformer, ABatchGivesWhatItsSamplesGive) {
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  const auto plan = running_plan(read_model(file));
  Executor executor(plan);
  const Tensor batch = tokens({3, 7});
  const std::vector<Tensor> together = executor.run(std::vector{batch});
  for (std::int64_t row = 0; row < 3; ++row) {
    const auto own = batch.data<std::int64_t>().subspan(static_cast<std::size_t>(row * 7), 7);
    const std::vector<Tensor> alone = executor.run(std::vector{Tensor::of<std::int64_t>({1, 7}, own)});
    const auto part = together[0].data<float>().subspan(static_cast<std::size_t>(row * 7 * 512), 7 * 512);
    EXPECT_LE(relative_difference(Tensor::of<float>({1, 7, 512}, part), alone[0]), 1e-5);
  }
}

}  // namespace
}  // namespace titrate::engine
