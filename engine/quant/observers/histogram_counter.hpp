// Counts the numbers of one thread for a StreamingHistogram: in 32 bits, so that the bins in use stay in the first cache, and in bins as
// wide as that would have them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/ops/float_arrays.hpp"
#include "engine/quant/observers/histogram.hpp"

namespace titrate::engine {

class HistogramCounter {
 public:
  /// `bins`: as of the histogram. `most`: numbers that are counted in 32 bits.
  explicit HistogramCounter(int bins = 4096, std::uint64_t most = std::numeric_limits<std::uint32_t>::max());

  /// NaN and infinities are left out. Returns the numbers' range, which is found on the way.
  ops::FloatRange add(std::span<const float> numbers);
  /// Adds all that was counted.
  void add_to(StreamingHistogram& histogram) const;

 private:
  ops::FloatRange add_piece(std::span<const float> piece);
  ops::FloatRange count(std::span<const float> piece);
  ops::FloatRange count_scarcely_representable(std::span<const float> piece);
  void widen_for(const ops::FloatRange& range);
  [[nodiscard]] BinCounts<std::uint32_t> bin_counts() const;

  std::size_t bins_;
  std::uint64_t most_;
  std::optional<int> exponent_;                // the logarithm of the bins' width; none: only zeros so far
  std::vector<std::uint32_t> counts_;          // as ops::find_places() numbers them
  std::uint64_t counted_ = 0;                  // numbers in counts_
  bool has_zeros_ = false;                     // the last numbers reached down to 0 and no further: an activation behind a Relu
  std::optional<StreamingHistogram> spilled_;  // what would not fit into 32 bits any more
};

}  // namespace titrate::engine
