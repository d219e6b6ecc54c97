// A histogram of a stream in bounded memory: bins over [0, bins * 2^k) for the magnitudes of positive and of negative numbers, sharing k.
// When a number does not fit, neighbouring bins are added up and k grows; so the result is the same in whatever order the numbers come
// (algorithms A9).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {

/// The counts of both signs in bins 2^exponent wide; no exponent: only zeros were counted.
template <class Count>
struct BinCounts {
  std::optional<int> exponent;
  std::span<const Count> positive;
  std::span<const Count> negative;
};

/// Every 2^steps neighbours are added up in the first bins; the others become 0.
template <class Count>
void join_neighbours(std::span<Count> bins, int steps);

class StreamingHistogram {
 public:
  /// `bins`: a power of two. The largest magnitude lies in the upper half, so at least bins / 2 are in use.
  explicit StreamingHistogram(int bins = 4096);

  /// NaN and infinities are left out. Returns the numbers' range, which has to be found anyway. Who adds many small arrays takes a
  /// HistogramCounter.
  ops::FloatRange add(std::span<const float> numbers);
  void merge(const StreamingHistogram& other);
  /// Counts in as many bins.
  template <class Count>
  void merge(const BinCounts<Count>& counts);

  [[nodiscard]] int bins() const { return static_cast<int>(counts_.size() / 2); }
  /// The width of a bin; 1 while only zeros were seen.
  [[nodiscard]] double width() const;
  [[nodiscard]] std::optional<int> width_log2() const { return exponent_; }
  /// Numbers >= 0 (-0 too) and < 0 by magnitude.
  [[nodiscard]] std::span<const std::uint64_t> positive() const { return std::span(counts_).first(counts_.size() / 2); }
  [[nodiscard]] std::span<const std::uint64_t> negative() const { return std::span(counts_).last(counts_.size() / 2); }
  /// Both signs added up.
  [[nodiscard]] std::vector<std::uint64_t> magnitudes() const;

 private:
  void widen_to(int exponent);

  std::optional<int> exponent_;        // none: only zeros so far
  std::vector<std::uint64_t> counts_;  // bins of numbers >= 0, then those of negative ones
};

}  // namespace titrate::engine
