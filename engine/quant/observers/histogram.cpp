#include "engine/quant/observers/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {
namespace {

// Adds up neighbours: the lower half then holds everything.
void fold(std::span<std::uint64_t> bins) {
  const std::size_t half = bins.size() / 2;
  for (std::size_t index = 0; index < half; ++index) bins[index] = bins[2 * index] + bins[2 * index + 1];
  std::fill(bins.begin() + static_cast<std::ptrdiff_t>(half), bins.end(), 0);
}

struct Bins {
  std::int32_t count;
  float largest;     // finite; numbers of larger magnitude are left out
  double per_width;  // a power of two, so that multiplying by it is exact: the bin is floor(|x| / width) to the last bit
};

// Bins of numbers >= 0, then those of negative ones, then one place for what is left out.
void find_places(std::span<const float> numbers, const Bins& bins, std::int32_t* places) {
  const auto factor = static_cast<float>(bins.per_width);
  // A product too small for float32 belongs to the first bin, rounded or not.
  const bool is_float = factor >= std::numeric_limits<float>::min() && factor <= std::numeric_limits<float>::max();
  if (!is_float) {
    for (std::size_t index = 0; index < numbers.size(); ++index) {
      const float magnitude = std::fabs(numbers[index]);
      places[index] = 2 * bins.count;
      if (!(magnitude <= bins.largest)) continue;
      places[index] = static_cast<std::int32_t>(static_cast<double>(magnitude) * bins.per_width) + (numbers[index] < 0 ? bins.count : 0);
    }
    return;
  }
  // Comparing bits, not floats, which could trap, lets the compiler make vectors of it. Magnitudes compare as their bits do.
  const auto largest = std::bit_cast<std::int32_t>(bins.largest);
  const std::int32_t count = bins.count;
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    const auto bits = std::bit_cast<std::int32_t>(numbers[index]);
    const std::int32_t magnitude = bits & 0x7fffffff;
    const std::int32_t left_out = -static_cast<std::int32_t>(magnitude > largest);  // all bits, or none
    const std::int32_t negative = (bits >> 31) & -static_cast<std::int32_t>(magnitude != 0);
    const auto place = static_cast<std::int32_t>(std::bit_cast<float>(magnitude & ~left_out) * factor);
    places[index] = ((place + (negative & count)) & ~left_out) | (left_out & (2 * count));
  }
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

void StreamingHistogram::add(std::span<const float> numbers) {
  const ops::FloatRange range = ops::range_of(numbers);
  if (!(range.lowest <= range.highest)) return;
  const float largest = std::max(-range.lowest, range.highest);
  if (largest > 0) {
    int exponent = 0;
    (void)std::frexp(largest, &exponent);  // largest < 2^exponent
    widen_to(exponent - std::countr_zero(static_cast<unsigned>(bins())));
  }
  count(numbers, largest);
}

void StreamingHistogram::count(std::span<const float> numbers, float largest) {
  // An activation is 0 half of the time, and adding to the number that was just stored has to wait for it: every other number of a large
  // array is counted in a table of its own. For a small one that would cost more than it gains.
  constexpr std::size_t large = std::size_t{1} << 17;
  std::vector<std::uint64_t> own(numbers.size() >= large ? counts_.size() : 0);
  std::uint64_t* even = counts_.data();
  std::uint64_t* odd = own.empty() ? even : own.data();
  constexpr std::size_t piece = 2048;  // places that stay in the cache between being found, in vectors, and being counted
  std::int32_t found[piece];
  for (std::size_t first = 0; first < numbers.size(); first += piece) {
    const std::size_t here = std::min(piece, numbers.size() - first);
    find_places(numbers.subspan(first, here), {bins(), largest, 1.0 / width()}, found);
    std::size_t index = 0;
    for (; index + 2 <= here; index += 2) {
      ++even[static_cast<std::size_t>(found[index])];
      ++odd[static_cast<std::size_t>(found[index + 1])];
    }
    if (index < here) ++even[static_cast<std::size_t>(found[index])];
  }
  for (std::size_t place = 0; place < own.size(); ++place) counts_[place] += own[place];
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
