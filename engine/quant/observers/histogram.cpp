#include "engine/quant/observers/histogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/base/aligned_memory.hpp"
#include "engine/ops/grouped_floats.hpp"
#include "engine/quant/observers/thinning.hpp"

namespace titrate::engine {
namespace {

// Adds up neighbours: the lower half then holds everything.
void fold(std::span<std::uint64_t> bins) {
  const std::size_t half = bins.size() / 2;
  for (std::size_t index = 0; index < half; ++index) bins[index] = bins[2 * index] + bins[2 * index + 1];
  std::fill(bins.begin() + static_cast<std::ptrdiff_t>(half), bins.end(), 0);
}

constexpr std::size_t piece_size = 2048;  // numbers: they stay in the first cache while their range, their places and the counts are found

// The place of one number, 0 and -0 too, where 1 / width is no float32: in double every product is exact.
std::size_t place_of(float number, int bins, float largest, double per_width) {
  const float magnitude = std::fabs(number);
  const auto count = static_cast<std::size_t>(bins);
  if (!(magnitude <= largest)) return 2 * count;
  return static_cast<std::size_t>(static_cast<double>(magnitude) * per_width) + (number < 0 ? count : 0);
}

}  // namespace

void StreamingHistogram::make_room() { counts_.resize(2 * static_cast<std::size_t>(bins_) + 1); }

double StreamingHistogram::width() const { return exponent_ ? std::ldexp(1.0, *exponent_) : 1.0; }

void StreamingHistogram::widen_to(int exponent) {
  if (!exponent_) exponent_ = exponent;
  while (*exponent_ < exponent) {
    const auto half = static_cast<std::size_t>(bins_);
    fold(std::span(counts_).first(half));
    fold(std::span(counts_).subspan(half, half));
    ++*exponent_;
  }
}

void StreamingHistogram::widen_for(float largest) {
  if (!(largest > 0)) return;
  int exponent = 0;
  (void)std::frexp(largest, &exponent);  // largest < 2^exponent
  widen_to(exponent - std::countr_zero(static_cast<unsigned>(bins_)));
}

ops::FloatRange StreamingHistogram::add(std::span<const float> numbers) {
  make_room();
  ops::FloatRange all;
  for (std::size_t first = 0; first < numbers.size(); first += piece_size) {
    const std::span<const float> piece = numbers.subspan(first, std::min(piece_size, numbers.size() - first));
    const ops::FloatRange range = ops::range_of(piece);
    all.not_finite += range.not_finite;
    if (!(range.lowest <= range.highest)) continue;
    all.lowest = std::min(all.lowest, range.lowest);
    all.highest = std::max(all.highest, range.highest);
    const float largest = std::max(-range.lowest, range.highest);
    widen_for(largest);
    count(piece, largest, 1);
  }
  return all;
}

ops::FloatRange StreamingHistogram::add_thinned(std::span<const float> numbers) {
  if (numbers.size() <= most_counted_whole) return add(numbers);
  make_room();
  const Thinned thinned = thin_out(numbers);
  if (!(thinned.range.lowest <= thinned.range.highest)) return thinned.range;
  const float largest = std::max(-thinned.range.lowest, thinned.range.highest);
  widen_for(largest);
  ask_for_counts();
  for (const CountedStretch& each : thinned.stretches)
    count(numbers.subspan(each.first, std::min(stretch_size, numbers.size() - each.first)), largest, each.weight);
  return thinned.range;
}

// The counts of a hundred values do not stay in a cache from sample to sample, and each would be waited for alone.
void StreamingHistogram::ask_for_counts() const {
  constexpr std::size_t line = cache_line / sizeof(std::uint64_t);
  for (std::size_t place = 0; place < counts_.size(); place += line) __builtin_prefetch(&counts_[place], 1);
}

void StreamingHistogram::count(std::span<const float> numbers, float largest, std::uint64_t weight) {
  const double per_width = 1.0 / width();
  const auto factor = static_cast<float>(per_width);
  // A product too small for float32 belongs to the first bin, rounded or not.
  if (factor < std::numeric_limits<float>::min() || factor > std::numeric_limits<float>::max()) {
    for (const float number : numbers) counts_[place_of(number, bins_, largest, per_width)] += weight;
    return;
  }
  std::array<std::int32_t, piece_size + 16> places;
  const std::size_t found = ops::places_of(numbers, bins_, largest, factor, places);
  std::uint64_t* counts = counts_.data();
  counts[0] += weight * (numbers.size() - found);  // zeros
  for (std::size_t index = 0; index < found; ++index) counts[static_cast<std::size_t>(places[index])] += weight;
}

void StreamingHistogram::merge(StreamingHistogram other) {
  if (other.counts_.empty()) return;
  if (counts_.empty()) {
    *this = std::move(other);
    return;
  }
  if (other.exponent_) widen_to(*other.exponent_);
  if (exponent_ && other.exponent_) other.widen_to(*exponent_);
  for (std::size_t place = 0; place < counts_.size(); ++place) counts_[place] += other.counts_[place];
}

std::vector<std::uint64_t> StreamingHistogram::magnitudes() const {
  std::vector<std::uint64_t> sums(positive().begin(), positive().end());
  for (std::size_t bin = 0; bin < sums.size(); ++bin) sums[bin] += negative()[bin];
  return sums;
}

}  // namespace titrate::engine
