#include "tuner/metrics/ranking.hpp"

#include <cmath>

#include "tuner/metrics/labelled_scores.hpp"

namespace titrate {
namespace {

std::int64_t classes_before(std::span<const float> scores, std::size_t label) {
  const float own = scores[label];
  if (std::isnan(own)) return static_cast<std::int64_t>(scores.size());
  std::int64_t before = 0;
  for (std::size_t index = 0; index < scores.size(); ++index) {
    if (scores[index] > own || (scores[index] == own && index < label)) ++before;
  }
  return before;
}

}  // namespace

MetricSums count_within(const SampleResult& sample, std::int64_t depth) {
  MetricSums sums;
  for_each_label(sample, [&](std::span<const float> scores, std::size_t label) {
    ++sums.count;
    if (classes_before(scores, label) < depth) sums.first += 1;
  });
  return sums;
}

double share_of_count(const MetricSums& sums) { return sums.first / static_cast<double>(sums.count); }

}  // namespace titrate
