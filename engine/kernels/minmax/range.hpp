// The range as a template; see minmax.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include <utility>

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/minmax/minmax.hpp"

namespace titrate::kernels {
namespace {

constexpr std::int32_t exponent_mask = 0x7f800000;
constexpr std::size_t steps_at_once = 512;  // they stay in the first cache, in case that they have to be read again

// The bounds of numbers that are hoped to be finite. Zero times a number that is not is NaN, and so is what it is added to.
template <int W>
struct FiniteBounds {
  FloatLanes<W> low = broadcast<W>(__builtin_inff());
  FloatLanes<W> high = broadcast<W>(-__builtin_inff());
  FloatLanes<W> zeros = FloatLanes<W>{};

  [[gnu::always_inline]] void take(FloatLanes<W> x) {
    low = at_most<W>(low, x);
    high = at_least<W>(high, x);
    zeros = multiply_add<W>(x, FloatLanes<W>{}, zeros);
  }
  [[gnu::always_inline]] void join(const FiniteBounds& other) {
    low = at_most<W>(low, other.low);
    high = at_least<W>(high, other.high);
    zeros += other.zeros;
  }
  // False: one was not finite, and the range says nothing.
  [[gnu::always_inline]] bool widen(Range& range) const {
    bool finite = true;
    for (int lane = 0; lane < W; ++lane) {
      finite = finite && zeros[lane] == 0;
      if (low[lane] < range.lowest) range.lowest = low[lane];
      if (high[lane] > range.highest) range.highest = high[lane];
    }
    return finite;
  }
};

// The range where all numbers are finite; false: one is not, and the range says nothing. A bound has to wait for the comparison before it,
// so several are found side by side.
template <int W>
[[gnu::always_inline]] inline bool range_of_finite(const float* numbers, std::size_t steps, Range& range) {
  constexpr std::size_t streams = 4;
  FiniteBounds<W> bounds[streams];
  std::size_t step = 0;
  for (; step + streams <= steps; step += streams) {
#pragma GCC unroll 4
    for (std::size_t stream = 0; stream < streams; ++stream) bounds[stream].take(load<W>(numbers + (step + stream) * W));
  }
  for (; step < steps; ++step) bounds[0].take(load<W>(numbers + step * W));
#pragma GCC unroll 4
  for (std::size_t stream = 1; stream < streams; ++stream) bounds[0].join(bounds[stream]);
  return bounds[0].widen(range);
}

// The range of any numbers.
template <int W>
[[gnu::always_inline]] inline void range_of_block(const float* numbers, std::size_t steps, Range& range) {
  constexpr float infinity = __builtin_inff();
  FloatLanes<W> low = broadcast<W>(infinity);
  FloatLanes<W> high = broadcast<W>(-infinity);
  IntLanes<W> finite_count{};
  for (std::size_t step = 0; step < steps; ++step) {
    const FloatLanes<W> x = load<W>(numbers + step * W);
    const IntLanes<W> finite = (bits_of<W>(x) & exponent_mask) != exponent_mask;  // -1 where it holds
    const IntLanes<W> lower = finite & (x < low);
    const IntLanes<W> higher = finite & (x > high);
    low = lower ? x : low;
    high = higher ? x : high;
    finite_count -= finite;
  }
  std::uint64_t finite_total = 0;
  for (int lane = 0; lane < W; ++lane) {
    finite_total += static_cast<std::uint64_t>(finite_count[lane]);
    if (low[lane] < range.lowest) range.lowest = low[lane];
    if (high[lane] > range.highest) range.highest = high[lane];
  }
  range.non_finite += steps * W - finite_total;
}

template <int W>
Range range_of(const float* numbers, std::size_t count) noexcept {
  Range range{__builtin_inff(), -__builtin_inff(), 0};
  while (count >= W) {
    const std::size_t steps = count / W < steps_at_once ? count / W : steps_at_once;
    Range finite = range;
    if (range_of_finite<W>(numbers, steps, finite)) {
      range = finite;
    } else {
      range_of_block<W>(numbers, steps, range);
    }
    numbers += steps * W;
    count -= steps * W;
  }
  if (count == 0) return range;
  float rest[W];
  for (int i = 0; i < W; ++i) rest[i] = numbers[0];  // the first one again and again changes no bound
  for (std::size_t i = 0; i < count; ++i) rest[i] = numbers[i];
  Range of_rest{__builtin_inff(), -__builtin_inff(), 0};
  range_of_block<W>(rest, 1, of_rest);
  const bool first_finite = (bits_of<W>(load<W>(rest))[0] & exponent_mask) != exponent_mask;
  if (of_rest.lowest < range.lowest) range.lowest = of_rest.lowest;
  if (of_rest.highest > range.highest) range.highest = of_rest.highest;
  range.non_finite += of_rest.non_finite - (first_finite ? 0 : W - count);
  return range;
}

// The finite bounds alone: nothing is counted.
template <int W>
[[gnu::always_inline]] inline void bounds_of(const float* numbers, std::size_t count, float& lowest, float& highest) {
  constexpr float infinity = __builtin_inff();
  FloatLanes<W> low = broadcast<W>(infinity);
  FloatLanes<W> high = broadcast<W>(-infinity);
  const auto take = [&](FloatLanes<W> x) {
    const IntLanes<W> finite = (bits_of<W>(x) & exponent_mask) != exponent_mask;
    const FloatLanes<W> upper = finite ? x : broadcast<W>(infinity);
    const FloatLanes<W> lower = finite ? x : broadcast<W>(-infinity);
    low = upper < low ? upper : low;
    high = lower > high ? lower : high;
  };
  std::size_t done = 0;
  for (; done + W <= count; done += W) take(load<W>(numbers + done));
  if (done < count && count >= W) {
    take(load<W>(numbers + count - W));  // some of them again: that changes no bound
  } else if (done < count) {
    float rest[W];
    for (std::size_t i = 0; i < W; ++i) rest[i] = numbers[i < count ? i : 0];
    take(load<W>(rest));
  }
  lowest = low[0];
  highest = high[0];
#pragma GCC unroll 16
  for (int lane = 1; lane < W; ++lane) {
    lowest = low[lane] < lowest ? low[lane] : lowest;
    highest = high[lane] > highest ? high[lane] : highest;
  }
}

template <int W, int step, int... lane>
[[gnu::always_inline]] inline FloatLanes<W> swapped(FloatLanes<W> x, std::integer_sequence<int, lane...>) {
  return __builtin_shuffle(x, IntLanes<W>{(lane ^ step)...});
}

template <int W, int step = W / 2>
[[gnu::always_inline]] inline float lowest_lane(FloatLanes<W> x) {
  if constexpr (step == 0) {
    return x[0];
  } else {
    return lowest_lane<W, step / 2>(at_most<W>(x, swapped<W, step>(x, std::make_integer_sequence<int, W>{})));
  }
}

// Whole groups of whole registers as if all numbers were finite; false: one is not.
template <int W>
[[gnu::always_inline]] inline bool ranges_of_finite_groups(const float* numbers, std::size_t groups, std::size_t group, float* lowest,
                                                           float* highest) {
  FloatLanes<W> zeros{};  // of all groups
  for (std::size_t index = 0; index < groups; ++index, numbers += group) {
    FiniteBounds<W> bounds{.zeros = zeros};
    for (std::size_t done = 0; done < group; done += W) bounds.take(load<W>(numbers + done));
    lowest[index] = lowest_lane<W>(bounds.low);
    highest[index] = -lowest_lane<W>(-bounds.high);
    zeros = bounds.zeros;
  }
  bool finite = true;
  for (int lane = 0; lane < W; ++lane) finite = finite && zeros[lane] == 0;
  return finite;
}

template <int W>
void ranges_of_groups(const float* numbers, std::size_t count, std::size_t group, float* lowest, float* highest) noexcept {
  const std::size_t together = 1 + steps_at_once * W / (group + 1);
  for (std::size_t first = 0; first < count; first += together * group, lowest += together, highest += together) {
    const std::size_t here = count - first < together * group ? count - first : together * group;
    const std::size_t whole = group % W == 0 ? here / group : 0;
    const bool finite = ranges_of_finite_groups<W>(numbers + first, whole, group, lowest, highest);
    for (std::size_t index = finite ? whole : 0; index * group < here; ++index) {
      const std::size_t own = index * group;
      bounds_of<W>(numbers + first + own, here - own < group ? here - own : group, lowest[index], highest[index]);
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
