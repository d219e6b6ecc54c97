// A metric turns what a model says of each sample into one number. A new one is a file beside this and a row in table.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/graph/tensor.hpp"

namespace titrate {

/// What samples add up to; each metric says what the sums mean. Added in the order of the samples, so that the last bit does not depend on
/// threads.
struct MetricSums {
  double first = 0;
  double second = 0;
  std::int64_t count = 0;

  MetricSums& operator+=(const MetricSums& other);
};

/// One sample: the model's outputs, what the float model gave (for metrics that compare), and the labels (for metrics that count).
struct SampleResult {
  std::span<const engine::Tensor> outputs;
  std::span<const engine::Tensor> reference;
  const engine::Tensor* labels = nullptr;
};

struct MetricRow {
  std::string_view name;
  std::string_view what;
  bool higher_is_better;
  bool needs_labels;
  bool needs_reference;  ///< the float model's outputs
  bool counts;           ///< sums.first is a number of correct answers among sums.count
  /// Throws Error(invalid) if outputs and labels do not fit.
  MetricSums (*score)(const SampleResult& sample);
  double (*value)(const MetricSums& sums);
};

[[nodiscard]] std::span<const MetricRow> metrics();
/// Throws Error(usage) listing the names.
[[nodiscard]] const MetricRow& metric_named(std::string_view name);

extern const MetricRow top1_metric;
extern const MetricRow top5_metric;
extern const MetricRow perplexity_metric;
extern const MetricRow mse_metric;
extern const MetricRow cosine_metric;
extern const MetricRow sqnr_metric;

}  // namespace titrate
