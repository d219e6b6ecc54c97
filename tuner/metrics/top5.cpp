// The share of labels whose class is among the five highest scores.
#include "tuner/metrics/ranking.hpp"

namespace titrate {

const MetricRow top5_metric{.name = "top5",
                            .what = "share of labels among the five highest scores",
                            .higher_is_better = true,
                            .needs_labels = true,
                            .needs_reference = false,
                            .counts = true,
                            .score = [](const SampleResult& sample) { return count_within(sample, 5); },
                            .value = share_of_count};

}  // namespace titrate
