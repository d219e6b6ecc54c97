#include "engine/quant/observers/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/quant/observers/histogram_counter.hpp"

namespace titrate::engine {
namespace {

constexpr int all_steps = 31;  // whatever the bins are, one is left

}  // namespace

template <class Count>
void join_neighbours(std::span<Count> bins, int steps) {
  if (steps <= 0) return;
  const int shift = std::min(steps, all_steps);
  for (std::size_t bin = 1; bin < bins.size(); ++bin) {
    const Count moved = std::exchange(bins[bin], 0);
    bins[bin >> shift] += moved;
  }
}
template void join_neighbours(std::span<std::uint32_t> bins, int steps);

StreamingHistogram::StreamingHistogram(int bins) : counts_(2 * static_cast<std::size_t>(bins)) {}

double StreamingHistogram::width() const { return exponent_ ? std::ldexp(1.0, *exponent_) : 1.0; }

void StreamingHistogram::widen_to(int exponent) {
  const auto half = static_cast<std::size_t>(bins());
  if (exponent_) {
    join_neighbours(std::span(counts_).first(half), exponent - *exponent_);
    join_neighbours(std::span(counts_).last(half), exponent - *exponent_);
  }
  exponent_ = exponent_ ? std::max(*exponent_, exponent) : exponent;
}

ops::FloatRange StreamingHistogram::add(std::span<const float> numbers) {
  HistogramCounter counter(bins());
  const ops::FloatRange range = counter.add(numbers);
  counter.add_to(*this);
  return range;
}

void StreamingHistogram::merge(const StreamingHistogram& other) {
  merge(BinCounts<std::uint64_t>{.exponent = other.exponent_, .positive = other.positive(), .negative = other.negative()});
}

template <class Count>
void StreamingHistogram::merge(const BinCounts<Count>& counts) {
  if (counts.exponent) widen_to(*counts.exponent);
  const int shift = counts.exponent ? std::min(*exponent_ - *counts.exponent, all_steps) : 0;
  const auto half = static_cast<std::size_t>(bins());
  for (std::size_t bin = 0; bin < half; ++bin) {
    counts_[bin >> shift] += counts.positive[bin];
    counts_[half + (bin >> shift)] += counts.negative[bin];
  }
}
template void StreamingHistogram::merge(const BinCounts<std::uint32_t>& counts);

std::vector<std::uint64_t> StreamingHistogram::magnitudes() const {
  std::vector<std::uint64_t> sums(positive().begin(), positive().end());
  for (std::size_t bin = 0; bin < sums.size(); ++bin) sums[bin] += negative()[bin];
  return sums;
}

}  // namespace titrate::engine
