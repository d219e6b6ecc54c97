// How long one inference takes, and what that measurement is worth.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/run/executor.hpp"

namespace titrate {

struct LatencyOptions {
  int threads = 1;                            ///< inside the operators
  double seconds = 0.5;                       ///< measured for so long after the warm-up; at least six runs
  std::function<bool()> cancelled = nullptr;  ///< asked before each run; true: Error(interrupted)
};

/// Times of repeated runs, in milliseconds by a monotonic clock around the whole inference.
struct Latency {
  double median_ms = 0;
  double p10_ms = 0;
  double p90_ms = 0;
  double minimum_ms = 0;
  /// Half of the width of the interval that holds the median with at least 95 % probability, over rounds of consecutive runs, so that drift
  /// (clock frequency, other processes) counts and not only the scatter from run to run.
  double noise_ms = 0;
  int repetitions = 0;
  int warm_up = 0;  ///< runs before those
};

/// The ranks (from 1) of the order statistics that enclose the median of `count` numbers with at least 95 % probability, whatever their
/// distribution; the first and the last where even those do not (fewer than six).
[[nodiscard]] std::pair<int, int> median_interval(int count);

/// Of times in the order in which they were measured; there must be one.
[[nodiscard]] Latency summarize(std::span<const double> milliseconds);

/// Runs until it is warm (the median of the last five runs has stayed within 2 % for five runs; at least three runs, at most two seconds),
/// then measures.
[[nodiscard]] Latency measure_latency(const std::function<void()>& run, const LatencyOptions& options);

/// One executor, fed with the same inputs again and again.
[[nodiscard]] Latency measure_latency(const std::shared_ptr<const engine::Plan>& plan, std::span<const engine::Tensor> inputs,
                                      const LatencyOptions& options);

}  // namespace titrate
