#include "tuner/latency.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/base/error.hpp"
#include "tuner/thread_limit.hpp"

namespace titrate {
namespace {

using Clock = std::chrono::steady_clock;

// The fewest runs for which the interval of the median exists.
constexpr std::size_t least_repetitions = 6;
// Medians of so many rounds tell how the median moves while it is measured; more would make rounds of slow models too short.
constexpr std::size_t most_rounds = 20;

double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<double> sorted(std::span<const double> numbers) {
  std::vector<double> copy(numbers.begin(), numbers.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

double median(std::span<const double> numbers) { return quantile(sorted(numbers), 0.5); }

double noise_of(std::span<const double> milliseconds) {
  const std::size_t rounds = std::min(milliseconds.size(), most_rounds);
  std::vector<double> medians;
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::size_t first = round * milliseconds.size() / rounds;
    const std::size_t last = (round + 1) * milliseconds.size() / rounds;
    medians.push_back(median(milliseconds.subspan(first, last - first)));
  }
  std::sort(medians.begin(), medians.end());
  const auto [low, high] = median_interval(static_cast<int>(rounds));
  return 0.5 * (medians[static_cast<std::size_t>(high - 1)] - medians[static_cast<std::size_t>(low - 1)]);
}

// Whether the medians of five, over the last five runs, agree within 2 %.
bool is_warm(std::span<const double> times) {
  constexpr std::size_t window = 5;
  if (times.size() < 2 * window - 1) return false;
  std::vector<double> medians;
  for (std::size_t back = 0; back < window; ++back) medians.push_back(median(times.subspan(times.size() - window - back, window)));
  const auto [least, most] = std::minmax_element(medians.begin(), medians.end());
  return *most <= 1.02 * *least;
}

}  // namespace

std::pair<int, int> median_interval(int count) {
  // P(rank <= median) sums the binomial distribution with 1/2; the outermost ranks are dropped as long as 95 % remain.
  double probability = std::pow(0.5, count);
  double outside = probability;  // on each side
  int low = 1;
  while (low < count / 2) {
    probability *= static_cast<double>(count - low + 1) / low;
    if (2 * (outside + probability) > 0.05) break;
    outside += probability;
    ++low;
  }
  return {low, count + 1 - low};
}

Latency summarize(std::span<const double> milliseconds) {
  const std::vector<double> ordered = sorted(milliseconds);
  return {.median_ms = quantile(ordered, 0.5),
          .p10_ms = quantile(ordered, 0.1),
          .p90_ms = quantile(ordered, 0.9),
          .minimum_ms = ordered.front(),
          .noise_ms = noise_of(milliseconds),
          .repetitions = static_cast<int>(milliseconds.size())};
}

Latency measure_latency(const std::function<void()>& run, const LatencyOptions& options) {
  const ThreadLimit limit(options.threads);
  const auto timed = [&] {
    if (options.cancelled && options.cancelled()) throw Error(ErrorCode::interrupted, "interrupted");
    const auto begin = Clock::now();
    run();
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  };
  constexpr std::chrono::seconds most_warm_up{2};
  std::vector<double> warm;
  for (const auto begin = Clock::now(); warm.size() < 3 || (!is_warm(warm) && Clock::now() - begin < most_warm_up);)
    warm.push_back(timed());
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
  while (times.size() < least_repetitions || Clock::now() < end) times.push_back(timed());
  Latency latency = summarize(times);
  latency.warm_up = static_cast<int>(warm.size());
  return latency;
}

Latency measure_latency(const std::shared_ptr<const engine::Plan>& plan, std::span<const engine::Tensor> inputs,
                        const LatencyOptions& options) {
  engine::Executor executor(plan);
  return measure_latency([&] { (void)executor.run(inputs); }, options);
}

}  // namespace titrate
