// Measures the evaluation of a model for compare.mjs.
//   titrate_net write MODEL.onnx                  ResNet-18 with random weights
//   titrate_net measure MODEL.onnx samples|intra THREADS
//     for each line on stdin (a number of seconds) runs for so long and prints {"wall_ms":..,"cpu_ms":..,"runs":..,"checksum":..}:
//     medians per run; `samples` runs one sample on each of THREADS threads, `intra` one sample on all of them.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/net/resnet18.hpp"
#include "engine/base/cpu.hpp"
#include "engine/base/error.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/passes/running.hpp"
#include "engine/run/executor.hpp"

namespace titrate {
namespace {

using Clock = std::chrono::steady_clock;

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<engine::Tensor> example_inputs(const engine::Graph& graph) {
  std::vector<engine::Tensor> inputs;
  for (const engine::ValueId id : graph.inputs) {
    engine::Shape shape;
    for (const engine::Dimension& dimension : *graph[id].info->shape) shape.push_back(dimension.known() ? dimension.size : 1);
    engine::Tensor tensor = engine::Tensor::uninitialized(engine::DataType::float32, shape);
    std::size_t index = 0;
    for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(index++ % 97) / 97.0F;
    inputs.push_back(tensor);
  }
  return inputs;
}

struct Runs {
  std::vector<double> wall;  // seconds
  double checksum = 0;
};

// Runs until the time is over, at least once.
Runs run_for(engine::Executor& executor, std::span<const engine::Tensor> inputs, double seconds, int threads) {
  omp_set_num_threads(threads);  // of this thread's parallel regions
  Runs runs;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const auto begin = Clock::now();
    const std::vector<engine::Tensor> outputs = executor.run(inputs);
    runs.wall.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    runs.checksum = 0;
    for (const float element : outputs[0].data<float>()) runs.checksum += static_cast<double>(element);
  } while (Clock::now() < end);
  return runs;
}

int measure(const std::string& path, bool samples, int threads) {
  engine::Model model = engine::read_model(path);
  engine::prepare_for_running(model);
  const auto plan = std::make_shared<const engine::Plan>(model);
  const std::vector<engine::Tensor> inputs = example_inputs(plan->graph());
  std::vector<engine::Executor> executors;
  for (int thread = 0; thread < (samples ? threads : 1); ++thread) executors.emplace_back(plan);
  for (double seconds = 0; std::cin >> seconds;) {
    const double cpu = process_cpu_seconds();
    std::vector<Runs> runs(executors.size());
    std::vector<std::thread> workers;
    for (std::size_t i = 1; i < executors.size(); ++i) {
      workers.emplace_back([&, i] { runs[i] = run_for(executors[i], inputs, seconds, 1); });
    }
    runs[0] = run_for(executors[0], inputs, seconds, samples ? 1 : threads);
    for (std::thread& worker : workers) worker.join();
    std::vector<double> wall;
    for (const Runs& one : runs) wall.insert(wall.end(), one.wall.begin(), one.wall.end());
    std::sort(wall.begin(), wall.end());
    const double cpu_each = (process_cpu_seconds() - cpu) / static_cast<double>(wall.size());
    std::printf("{\"wall_ms\":%.3f,\"cpu_ms\":%.3f,\"runs\":%zu,\"checksum\":%.6g,\"isa\":\"%s\"}\n", 1e3 * wall[wall.size() / 2],
                1e3 * cpu_each, wall.size(), runs[0].checksum, std::string(name_of(selected_isa())).c_str());
    std::fflush(stdout);
  }
  return 0;
}

int main_of(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == "write") {
    engine::save_model(benchmarks::resnet18(), words[1]);
    return 0;
  }
  if (words.size() == 4 && words[0] == "measure") return measure(words[1], words[2] == "samples", std::stoi(words[3]));
  std::fputs("titrate_net write MODEL.onnx | measure MODEL.onnx samples|intra THREADS\n", stderr);
  return 2;
}

}  // namespace
}  // namespace titrate

int main(int count, char** words) {
  try {
    return titrate::main_of({words + 1, words + count});
  } catch (const titrate::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
