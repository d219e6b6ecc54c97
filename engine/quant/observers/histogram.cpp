#include "engine/quant/observers/histogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/ops/grouped_floats.hpp"

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

StreamingHistogram::StreamingHistogram(int bins) : counts_(2 * static_cast<std::size_t>(bins) + 1) {}

double StreamingHistogram::width() const { return exponent_ ? std::ldexp(1.0, *exponent_) : 1.0; }

void StreamingHistogram::widen_to(int exponent) {
  if (!exponent_) exponent_ = exponent;
  while (*exponent_ < exponent) {
    const auto half = static_cast<std::size_t>(bins());
    fold(std::span(counts_).first(half));
    fold(std::span(counts_).subspan(half, half));
    ++*exponent_;
  }
}

ops::FloatRange StreamingHistogram::add(std::span<const float> numbers) {
  // Adding to the number that was just stored has to wait for it: every other number of a large array is counted in a table of its own. For
  // a small one that would cost more than it gains.
  constexpr std::size_t large = std::size_t{1} << 17;
  std::vector<std::uint64_t> own(numbers.size() >= large ? counts_.size() : 0);
  ops::FloatRange all;
  for (std::size_t first = 0; first < numbers.size(); first += piece_size) {
    const std::span<const float> piece = numbers.subspan(first, std::min(piece_size, numbers.size() - first));
    const ops::FloatRange range = ops::range_of(piece);
    all.not_finite += range.not_finite;
    if (!(range.lowest <= range.highest)) continue;
    all.lowest = std::min(all.lowest, range.lowest);
    all.highest = std::max(all.highest, range.highest);
    const float largest = std::max(-range.lowest, range.highest);
    if (largest > 0) {
      int exponent = 0;
      (void)std::frexp(largest, &exponent);  // largest < 2^exponent
      exponent -= std::countr_zero(static_cast<unsigned>(bins()));
      if (exponent_ && *exponent_ < exponent) collect(own);
      widen_to(exponent);
    }
    count(piece, largest, own.empty() ? counts_.data() : own.data());
  }
  collect(own);
  return all;
}

// Moves what was counted apart to the others.
void StreamingHistogram::collect(std::span<std::uint64_t> apart) {
  for (std::size_t place = 0; place < apart.size(); ++place) counts_[place] += apart[place];
  std::fill(apart.begin(), apart.end(), 0);
}

void StreamingHistogram::count(std::span<const float> numbers, float largest, std::uint64_t* odd) {
  const double per_width = 1.0 / width();
  const auto factor = static_cast<float>(per_width);
  // A product too small for float32 belongs to the first bin, rounded or not.
  if (factor < std::numeric_limits<float>::min() || factor > std::numeric_limits<float>::max()) {
    for (const float number : numbers) ++counts_[place_of(number, bins(), largest, per_width)];
    return;
  }
  std::array<std::int32_t, piece_size + 16> places;
  const std::size_t found = ops::places_of(numbers, bins(), largest, factor, places);
  std::uint64_t* even = counts_.data();
  even[0] += numbers.size() - found;  // zeros
  std::size_t index = 0;
  for (; index + 2 <= found; index += 2) {
    ++even[static_cast<std::size_t>(places[index])];
    ++odd[static_cast<std::size_t>(places[index + 1])];
  }
  if (index < found) ++even[static_cast<std::size_t>(places[index])];
}

void StreamingHistogram::merge(const StreamingHistogram& other) {
  StreamingHistogram aligned = other;
  if (other.exponent_) widen_to(*other.exponent_);
  if (exponent_ && aligned.exponent_) aligned.widen_to(*exponent_);
  for (std::size_t place = 0; place < counts_.size(); ++place) counts_[place] += aligned.counts_[place];
}

std::vector<std::uint64_t> StreamingHistogram::magnitudes() const {
  std::vector<std::uint64_t> sums(positive().begin(), positive().end());
  for (std::size_t bin = 0; bin < sums.size(); ++bin) sums[bin] += negative()[bin];
  return sums;
}

}  // namespace titrate::engine
