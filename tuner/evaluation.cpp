#include "tuner/evaluation.hpp"

#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

MetricSums score_sample(engine::Executor& executor, const Dataset& data, const MetricRow& metric, const ReferenceOutputs* reference,
                        std::int64_t index) {
  try {
    const std::vector<engine::Tensor> outputs = executor.run(data.sample(index));
    const engine::Tensor labels = metric.needs_labels ? data.labels(index) : engine::Tensor{};
    const std::vector<engine::Tensor> wanted = metric.needs_reference ? reference->outputs(index) : std::vector<engine::Tensor>{};
    return metric.score({.outputs = outputs, .reference = wanted, .labels = metric.needs_labels ? &labels : nullptr});
  } catch (Error& error) {
    if (error.code() == ErrorCode::invalid) error.in(data.place(index));
    throw;
  }
}

}  // namespace

Evaluation evaluate(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, const MetricRow& metric,
                    const ReferenceOutputs* reference, const LoopControl& control) {
  if (metric.needs_labels && !data.has_labels()) {
    throw_invalid(cat("the metric ", metric.name, " needs labels, and the data has none"), "--data",
                  "add labels, or use --metric sqnr, cosine or mse");
  }
  std::vector<engine::Executor> executors;
  for (int worker = 0; worker < control.threads; ++worker) executors.emplace_back(plan);
  std::vector<MetricSums> scores(static_cast<std::size_t>(data.size()));
  MetricSums sums;
  const auto run = [&](int worker, std::int64_t index) {
    scores[static_cast<std::size_t>(index)] = score_sample(executors[static_cast<std::size_t>(worker)], data, metric, reference, index);
  };
  for_each_sample(data.size(), control, run, [&](std::int64_t index) { sums += scores[static_cast<std::size_t>(index)]; });
  Evaluation evaluation{.value = metric.value(sums), .samples = metric.needs_labels ? sums.count : data.size(), .correct = std::nullopt};
  if (metric.counts) evaluation.correct = static_cast<std::int64_t>(sums.first);
  return evaluation;
}

}  // namespace titrate
