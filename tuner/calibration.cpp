#include "tuner/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/running.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/shadow_model.hpp"
#include "engine/quant/statistics_collector.hpp"
#include "engine/run/executor.hpp"

namespace titrate {
namespace {

using engine::Executor;
using engine::Plan;
using engine::StatisticsCollector;
using engine::Tensor;
using engine::ValueId;

std::vector<Executor> executors_of(const std::shared_ptr<const Plan>& plan, int count) {
  std::vector<Executor> executors;
  for (int worker = 0; worker < count; ++worker) executors.emplace_back(plan);
  return executors;
}

// Energies of one node's output and of its error, for one sample.
struct NodeEnergies {
  double signal = 0;
  double noise = 0;
};

NodeEnergies compare(const Tensor& wanted, const Tensor& own) {
  NodeEnergies sums;
  if (wanted.type() != engine::DataType::float32 || wanted.elements() != own.elements()) return sums;
  const auto expected = wanted.data<float>();
  const auto got = own.data<float>();
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const auto value = static_cast<double>(expected[index]);
    const double error = value - static_cast<double>(got[index]);
    sums.signal += value * value;
    sums.noise += error * error;
  }
  return sums;
}

// Runs the float model for one sample and keeps the values that the shadow model reads or is compared with; then runs the shadow model on
// them.
class ShadowRun {
 public:
  ShadowRun(const engine::Model& prepared, const engine::ShadowModel& shadow)
      : shadow_(shadow), float_plan_(std::make_shared<const Plan>(prepared)) {
    for (const std::string& name : shadow.inputs) wanted_.emplace(name, Tensor{});
    for (const std::string& name : shadow.outputs) wanted_.emplace(name, Tensor{});
    shadow_plan_ = std::make_shared<const Plan>(shadow.model);
  }

  [[nodiscard]] std::vector<NodeEnergies> operator()(const std::vector<Tensor>& sample) const {
    const engine::Graph& graph = float_plan_->graph();
    std::unordered_map<std::string, Tensor> values = wanted_;
    const auto keep = [&](ValueId id, const Tensor& tensor) {
      if (const auto found = values.find(graph[id].name); found != values.end()) found->second = tensor;
    };
    for (std::size_t index = 0; index < sample.size(); ++index) keep(graph.inputs[index], sample[index]);
    Executor float_executor(float_plan_);
    (void)float_executor.run(sample, keep);
    std::vector<Tensor> inputs;
    for (const std::string& name : shadow_.inputs) inputs.push_back(values.at(name));
    Executor shadow_executor(shadow_plan_);
    const std::vector<Tensor> outputs = shadow_executor.run(inputs);
    std::vector<NodeEnergies> energies;
    for (std::size_t index = 0; index < outputs.size(); ++index)
      energies.push_back(compare(values.at(shadow_.outputs[index]), outputs[index]));
    return energies;
  }

 private:
  const engine::ShadowModel& shadow_;
  std::shared_ptr<const Plan> float_plan_;
  std::shared_ptr<const Plan> shadow_plan_;
  std::unordered_map<std::string, Tensor> wanted_;
};

}  // namespace

engine::CalibrationStatistics collect_statistics(const engine::Model& prepared, const Dataset& data, bool histograms,
                                                 const LoopControl& control, const engine::Target& target) {
  return collect_statistics(prepared, data, histograms, control, engine::observed_values(prepared.graph, target));
}

engine::CalibrationStatistics collect_statistics(const engine::Model& prepared, const Dataset& data, bool histograms,
                                                 const LoopControl& control, const std::set<std::string>& observed) {
  engine::Model running = prepared;
  engine::keep_values(running.graph, observed);
  engine::prepare_for_observing(running);
  const auto plan = std::make_shared<const Plan>(running);
  StatisticsCollector collector(plan->graph(), histograms);
  std::vector<Executor> executors = executors_of(plan, control.threads);
  std::vector<StatisticsCollector::Worker> workers(static_cast<std::size_t>(control.threads), StatisticsCollector::Worker(collector));
  std::vector<StatisticsCollector::Extents> extents(static_cast<std::size_t>(data.size()));
  const auto run = [&](int worker, std::int64_t index) {
    const std::vector<Tensor> sample = data.sample(index);
    StatisticsCollector::Worker& statistics = workers[static_cast<std::size_t>(worker)];
    statistics.begin(extents[static_cast<std::size_t>(index)]);
    for (std::size_t input = 0; input < sample.size(); ++input) statistics.observe(plan->graph().inputs[input], sample[input]);
    (void)executors[static_cast<std::size_t>(worker)].run(sample,
                                                          [&](ValueId id, const Tensor& tensor) { statistics.observe(id, tensor); });
  };
  for_each_sample(data.size(), control, run, [&](std::int64_t index) {
    collector.add(extents[static_cast<std::size_t>(index)]);
    extents[static_cast<std::size_t>(index)] = {};
  });
  for (const auto& worker : workers) collector.add(worker);
  return collector.take();
}

void measure_sensitivity(const engine::Model& prepared, engine::Conversion& conversion, const Dataset& data, std::int64_t samples,
                         const LoopControl& control) {
  const engine::ShadowModel shadow = engine::build_shadow_model(prepared, conversion);
  if (shadow.outputs.empty()) return;
  const ShadowRun run_sample(prepared, shadow);
  const std::int64_t count = std::min(samples, data.size());
  std::vector<std::vector<NodeEnergies>> results(static_cast<std::size_t>(count));
  std::vector<NodeEnergies> sums(shadow.outputs.size());
  const auto run = [&](int, std::int64_t index) { results[static_cast<std::size_t>(index)] = run_sample(data.sample(index)); };
  for_each_sample(count, control, run, [&](std::int64_t index) {
    for (std::size_t output = 0; output < sums.size(); ++output) {
      sums[output].signal += results[static_cast<std::size_t>(index)][output].signal;
      sums[output].noise += results[static_cast<std::size_t>(index)][output].noise;
    }
    results[static_cast<std::size_t>(index)] = {};
  });
  for (std::size_t output = 0; output < sums.size(); ++output) {
    const double db = engine::signal_to_noise_db(sums[output].signal, sums[output].noise);
    if (std::isfinite(db)) conversion.decisions[shadow.decision_of[output]].sqnr_db = db;
  }
}

}  // namespace titrate
