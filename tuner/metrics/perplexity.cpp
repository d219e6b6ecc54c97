// exp of the mean negative log likelihood of the labels: what language models are measured by. The scores of each row are logits; softmax
// gives the likelihoods.
#include <algorithm>
#include <cmath>

#include "tuner/metrics/labelled_scores.hpp"

namespace titrate {
namespace {

// -log(softmax(scores)[label]) in double; shifted by the largest score, so that exp neither overflows nor loses the sum.
double negative_log_likelihood(std::span<const float> scores, std::size_t label) {
  const auto largest = static_cast<double>(*std::max_element(scores.begin(), scores.end()));
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score) - largest);
  return std::log(sum) - (static_cast<double>(scores[label]) - largest);
}

MetricSums score(const SampleResult& sample) {
  MetricSums sums;
  for_each_label(sample, [&](std::span<const float> scores, std::size_t label) {
    ++sums.count;
    sums.first += negative_log_likelihood(scores, label);
  });
  return sums;
}

}  // namespace

const MetricRow perplexity_metric{.name = "perplexity",
                                  .what = "exp of the labels' mean negative log likelihood, softmax over the first output",
                                  .higher_is_better = false,
                                  .needs_labels = true,
                                  .needs_reference = false,
                                  .counts = false,
                                  .score = score,
                                  .value = [](const MetricSums& sums) { return std::exp(sums.first / static_cast<double>(sums.count)); }};

}  // namespace titrate
