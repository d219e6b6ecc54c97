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

class StreamingHistogram {
 public:
  /// `bins`: a power of two. The largest magnitude lies in the upper half, so at least bins / 2 are in use.
  explicit StreamingHistogram(int bins = 4096) : bins_(bins) {}

  /// NaN and infinities are left out. Returns the numbers' range, which has to be found anyway.
  ops::FloatRange add(std::span<const float> numbers);
  /// The same for up to most_counted_whole numbers; of more it counts what thin_out() says (thinning.hpp).
  ops::FloatRange add_thinned(std::span<const float> numbers);
  void merge(StreamingHistogram other);

  [[nodiscard]] int bins() const { return bins_; }
  /// The width of a bin; 1 while only zeros were seen.
  [[nodiscard]] double width() const;
  [[nodiscard]] std::optional<int> width_log2() const { return exponent_; }
  /// Numbers >= 0 (-0 too) and < 0 by magnitude. Before anything is added they are empty.
  [[nodiscard]] std::span<const std::uint64_t> positive() const { return std::span(counts_).first(counts_.size() / 2); }
  [[nodiscard]] std::span<const std::uint64_t> negative() const {
    return std::span(counts_).subspan(counts_.size() / 2, counts_.size() / 2);
  }
  /// Both signs added up.
  [[nodiscard]] std::vector<std::uint64_t> magnitudes() const;

 private:
  void make_room();
  void widen_to(int exponent);
  void widen_for(float largest);
  void ask_for_counts() const;
  void count(std::span<const float> numbers, float largest, std::uint64_t weight);

  int bins_;
  std::optional<int> exponent_;        // none: only zeros so far
  std::vector<std::uint64_t> counts_;  // bins of numbers >= 0, then those of negative ones, then one that gathers what is left out
};

}  // namespace titrate::engine
