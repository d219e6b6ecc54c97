#include <algorithm>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/metrics/metric.hpp"

namespace titrate {

MetricSums& MetricSums::operator+=(const MetricSums& other) {
  first += other.first;
  second += other.second;
  count += other.count;
  return *this;
}

std::span<const MetricRow> metrics() {
  static const std::vector<MetricRow> rows = {top1_metric, top5_metric, perplexity_metric, mse_metric, cosine_metric, sqnr_metric};
  return rows;
}

const MetricRow& metric_named(std::string_view name) {
  const auto rows = metrics();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const MetricRow& each) { return each.name == name; });
  if (row != rows.end()) return *row;
  std::vector<std::string> names;
  for (const MetricRow& each : rows) names.emplace_back(each.name);
  const auto like = nearest(name, names);
  throw_usage(cat("there is no metric '", visible(name), "'", like ? cat(", did you mean ", *like, "?") : ""), "--metric",
              cat("metrics are ", join(names, ", "), "; your own: --metric-cmd or --score-cmd"));
}

}  // namespace titrate
