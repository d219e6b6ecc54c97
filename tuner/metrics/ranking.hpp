// How far up the right class stands: shared by the metrics that count the best k.
#pragma once

#include "tuner/metrics/metric.hpp"

namespace titrate {

/// The number of labels whose class is among the best `depth` of the first output, which holds one row of scores for each label. Classes
/// with equal scores stand in the order of their numbers; a NaN stands last. A label of -100 is not counted. Throws Error(invalid) if a
/// label is outside the classes.
[[nodiscard]] MetricSums count_within(const SampleResult& sample, std::int64_t depth);

[[nodiscard]] double share_of_count(const MetricSums& sums);

}  // namespace titrate
