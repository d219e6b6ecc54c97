#include "engine/quant/observers/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace titrate::engine {
namespace {

// Adds up neighbours: the lower half then holds everything.
void fold(std::vector<std::uint64_t>& bins) {
  const std::size_t half = bins.size() / 2;
  for (std::size_t index = 0; index < half; ++index) bins[index] = bins[2 * index] + bins[2 * index + 1];
  std::fill(bins.begin() + static_cast<std::ptrdiff_t>(half), bins.end(), 0);
}

}  // namespace

StreamingHistogram::StreamingHistogram(int bins) : positive_(static_cast<std::size_t>(bins)), negative_(static_cast<std::size_t>(bins)) {}

double StreamingHistogram::width() const { return exponent_ ? std::ldexp(1.0, *exponent_) : 1.0; }

void StreamingHistogram::widen_to(int exponent) {
  if (!exponent_) exponent_ = exponent;
  while (*exponent_ < exponent) {
    fold(positive_);
    fold(negative_);
    ++*exponent_;
  }
}

void StreamingHistogram::add(std::span<const float> numbers) {
  float largest = 0;
  for (const float number : numbers) {
    const float magnitude = std::fabs(number);
    if (magnitude > largest && std::isfinite(magnitude)) largest = magnitude;
  }
  if (largest > 0) {
    int exponent = 0;
    (void)std::frexp(largest, &exponent);  // largest < 2^exponent
    widen_to(exponent - std::countr_zero(static_cast<unsigned>(bins())));
  }
  // Multiplying by a power of two is exact, so the bin is floor(|x| / width) to the last bit.
  const double per_width = 1.0 / width();
  for (const float number : numbers) {
    const double magnitude = std::fabs(static_cast<double>(number));
    if (!(magnitude <= static_cast<double>(largest))) continue;
    const auto bin = static_cast<std::size_t>(magnitude * per_width);
    ++(number < 0 ? negative_ : positive_)[bin];
  }
}

void StreamingHistogram::merge(const StreamingHistogram& other) {
  StreamingHistogram aligned = other;
  if (other.exponent_) widen_to(*other.exponent_);
  if (exponent_ && aligned.exponent_) aligned.widen_to(*exponent_);
  for (std::size_t bin = 0; bin < positive_.size(); ++bin) {
    positive_[bin] += aligned.positive_[bin];
    negative_[bin] += aligned.negative_[bin];
  }
}

std::vector<std::uint64_t> StreamingHistogram::magnitudes() const {
  std::vector<std::uint64_t> sums = positive_;
  for (std::size_t bin = 0; bin < sums.size(); ++bin) sums[bin] += negative_[bin];
  return sums;
}

}  // namespace titrate::engine
