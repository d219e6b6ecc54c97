// The share of labels whose class is the one with the highest score.
#include "tuner/metrics/ranking.hpp"

namespace titrate {

const MetricRow top1_metric{.name = "top1",
                            .what = "share of labels that get the highest score",
                            .higher_is_better = true,
                            .needs_labels = true,
                            .needs_reference = false,
                            .counts = true,
                            .score = [](const SampleResult& sample) { return count_within(sample, 1); },
                            .value = share_of_count};

}  // namespace titrate
