// Collecting the ranges of all activations beside a plain evaluation of the same float model on the same samples: how many times as long?
//   build/release/bin/calibration_benchmark FOLDER ... --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
// FOLDER: with model.onnx and calibration.json, such as ../shared/models/m3_resnet4b_cifar10.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/quant/convert.hpp"
#include "engine/run/executor.hpp"
#include "tuner/calibration.hpp"
#include "tuner/load.hpp"
#include "tuner/running_plan.hpp"

namespace titrate {
namespace {

constexpr std::int64_t most_samples = 64;

// Samples that were read before: what is measured is not the reading of pictures.
class Kept : public Dataset {
 public:
  explicit Kept(const Dataset& source) {
    for (std::int64_t index = 0; index < std::min(source.size(), most_samples); ++index) samples_.push_back(source.sample(index));
  }
  std::int64_t size() const override { return std::ssize(samples_); }
  std::vector<engine::Tensor> sample(std::int64_t index) const override { return samples_[static_cast<std::size_t>(index)]; }
  bool has_labels() const override { return false; }
  engine::Tensor labels(std::int64_t /*index*/) const override { return {}; }
  std::string description() const override { return "kept"; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  std::vector<std::vector<engine::Tensor>> samples_;
};

struct Case {
  engine::Model model;
  engine::Model prepared;
  Kept data;

  explicit Case(const std::filesystem::path& folder)
      : model(load_runnable_model(folder / "model.onnx")),
        prepared(engine::prepare_float_model(model)),
        data(*load_data(model, (folder / "calibration.json").string())) {}
};

// Model, plan and threads are made anew in each turn, as collect_statistics() does.
void evaluation(benchmark::State& state, const Case& each) {
  for (auto _ : state) {
    engine::Executor executor(running_plan(each.model));
    for (std::int64_t index = 0; index < each.data.size(); ++index) benchmark::DoNotOptimize(executor.run(each.data.sample(index)));
  }
}

void calibration(benchmark::State& state, const Case& each, bool histograms) {
  for (auto _ : state) benchmark::DoNotOptimize(collect_statistics(each.prepared, each.data, histograms, {.threads = 1}));
}

void add(const std::filesystem::path& folder) {
  const auto each = std::make_shared<const Case>(folder);
  const std::string name = folder.filename().string();
  const auto in_processor_time = [](benchmark::internal::Benchmark* made) { made->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond); };
  in_processor_time(benchmark::RegisterBenchmark((name + "/evaluation").c_str(), [each](auto& state) { evaluation(state, *each); }));
  in_processor_time(benchmark::RegisterBenchmark((name + "/ranges").c_str(), [each](auto& state) { calibration(state, *each, false); }));
  in_processor_time(benchmark::RegisterBenchmark((name + "/histograms").c_str(), [each](auto& state) { calibration(state, *each, true); }));
}

}  // namespace
}  // namespace titrate

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  for (int index = 1; index < count; ++index) titrate::add(words[index]);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
