#include "engine/quant/observers/histogram_counter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "engine/ops/grouped_floats.hpp"

namespace titrate::engine {
namespace {

constexpr std::size_t piece_size = 2048;  // numbers: they and their places stay in the first cache beside the counts

float largest_magnitude(const ops::FloatRange& range) { return std::max(-range.lowest, range.highest); }

}  // namespace

HistogramCounter::HistogramCounter(int bins, std::uint64_t most) : bins_(static_cast<std::size_t>(bins)), most_(most) {}

ops::FloatRange HistogramCounter::add(std::span<const float> numbers) {
  ops::FloatRange range;
  for (std::size_t first = 0; first < numbers.size(); first += piece_size)
    range = ops::joined(range, add_piece(numbers.subspan(first, std::min(piece_size, numbers.size() - first))));
  return range;
}

ops::FloatRange HistogramCounter::add_piece(std::span<const float> piece) {
  if (counts_.empty()) counts_.resize(2 * (bins_ + 1));
  if (counted_ + piece.size() > most_) {
    if (!spilled_) spilled_.emplace(static_cast<int>(bins_));
    spilled_->merge(bin_counts());
    std::fill(counts_.begin(), counts_.end(), 0);
    counted_ = 0;
  }
  counted_ += piece.size();
  if (!exponent_) widen_for(ops::range_of(piece));
  const ops::FloatRange range = count(piece);
  has_zeros_ = range.lowest == 0;
  return range;
}

// Numbers that fit into the bins, as all but the first ones of a stream mostly do, are read once. Others widen the bins, and are read
// again.
ops::FloatRange HistogramCounter::count(std::span<const float> piece) {
  const float per_width = std::ldexp(1.0F, -exponent_.value_or(0));
  if (!std::isnormal(per_width)) return count_scarcely_representable(piece);
  std::array<std::int32_t, piece_size + 16> places;
  const ops::FoundPlaces found = ops::find_places(piece, static_cast<std::int32_t>(bins_), per_width, has_zeros_, places);
  if (largest_magnitude(found.range) * per_width >= static_cast<float>(bins_)) {
    widen_for(found.range);
    return count(piece);
  }
  counts_[0] += static_cast<std::uint32_t>(piece.size() - found.count);
  // One table: several, so that a count need not wait for the one before it, leave the first cache sooner than they gain.
  std::uint32_t* counts = counts_.data();
  for (std::size_t index = 0; index < found.count; ++index) ++counts[static_cast<std::size_t>(places[index])];
  return found.range;
}

// 1 / width is no float32, but in double every product is exact.
ops::FloatRange HistogramCounter::count_scarcely_representable(std::span<const float> piece) {
  const ops::FloatRange range = ops::range_of(piece);
  widen_for(range);
  const double per_width = std::ldexp(1.0, -*exponent_);
  for (const float number : piece) {
    if (!std::isfinite(number)) continue;
    const auto bin = static_cast<std::size_t>(std::fabs(static_cast<double>(number)) * per_width);
    ++counts_[bin + (number < 0 ? bins_ + 1 : 0)];
  }
  return range;
}

void HistogramCounter::widen_for(const ops::FloatRange& range) {
  const float largest = largest_magnitude(range);
  if (!(largest > 0)) return;  // none, or zeros
  int exponent = 0;
  (void)std::frexp(largest, &exponent);  // largest < 2^exponent
  exponent -= std::countr_zero(bins_);
  if (exponent_ && exponent <= *exponent_) return;
  if (exponent_) {
    join_neighbours(std::span(counts_).first(bins_), exponent - *exponent_);
    join_neighbours(std::span(counts_).subspan(bins_ + 1, bins_), exponent - *exponent_);
  }
  exponent_ = exponent;
}

BinCounts<std::uint32_t> HistogramCounter::bin_counts() const {
  return {.exponent = exponent_, .positive = std::span(counts_).first(bins_), .negative = std::span(counts_).subspan(bins_ + 1, bins_)};
}

void HistogramCounter::add_to(StreamingHistogram& histogram) const {
  if (spilled_) histogram.merge(*spilled_);
  if (!counts_.empty()) histogram.merge(bin_counts());
}

}  // namespace titrate::engine
