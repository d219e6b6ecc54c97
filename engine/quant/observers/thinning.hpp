// Which numbers of a large activation a histogram counts. Counting all of them takes longer than computing them in networks with large
// images; the ends decide a range, so they are counted whole, and the rest is a sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {

/// Up to this many numbers all are counted.
inline constexpr std::size_t most_counted_whole = std::size_t{1} << 14;
/// Neighbours that are counted together.
inline constexpr std::size_t stretch_size = 256;

struct CountedStretch {
  std::size_t first = 0;     ///< its first number; it ends after stretch_size numbers or with the array
  std::uint64_t weight = 1;  ///< how many numbers each of its numbers stands for
};

struct Thinned {
  ops::FloatRange range;  ///< of all numbers
  std::vector<CountedStretch> stretches;
};

/// The sixteenth of the stretches that reach farthest from 0 is counted whole; of each eight others in their order one stands for all. So
/// each number beyond the magnitude that a sixteenth of the stretches exceed is counted: at least one in 4096 and seldom many more. Which
/// one of the eight is open: it depends on the array alone and on no period of it, such as rows or channels.
[[nodiscard]] Thinned thin_out(std::span<const float> numbers);

}  // namespace titrate::engine
