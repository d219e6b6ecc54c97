// The places as a template; see histogram.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/histogram/histogram.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/minmax/range.hpp"

namespace titrate::kernels {
namespace {

#if defined(__AVX2__)
// For each mask of eight lanes the lanes that it keeps, in their order.
struct KeptLanes {
  alignas(32) std::int32_t lanes[256][8];
  constexpr KeptLanes() : lanes{} {
    for (int mask = 0; mask < 256; ++mask) {
      int kept = 0;
      for (int lane = 0; lane < 8; ++lane) {
        if ((mask >> lane & 1) != 0) lanes[mask][kept++] = lane;
      }
    }
  }
};
constexpr KeptLanes kept_lanes;
#endif

// Stores the lanes whose `keep` is -1, in their order, and says how many; may write W.
template <int W>
[[gnu::always_inline]] inline std::size_t store_kept(std::int32_t* target, IntLanes<W> lanes, IntLanes<W> keep) {
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    const __mmask16 mask = _mm512_movepi32_mask(reinterpret_cast<__m512i>(keep));
    _mm512_storeu_si512(target, _mm512_maskz_compress_epi32(mask, reinterpret_cast<__m512i>(lanes)));
    return static_cast<std::size_t>(__builtin_popcount(mask));
  }
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) {
    const auto mask = static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(keep)));
    const __m256i order = _mm256_load_si256(reinterpret_cast<const __m256i*>(kept_lanes.lanes[mask]));
    const __m256i kept = _mm256_permutevar8x32_epi32(reinterpret_cast<__m256i>(lanes), order);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), kept);
    return static_cast<std::size_t>(__builtin_popcount(mask));
  }
#endif
  std::size_t kept = 0;
  for (int lane = 0; lane < W; ++lane) {
    target[kept] = lanes[lane];
    kept += keep[lane] != 0 ? 1 : 0;
  }
  return kept;
}

// The constants of the loop, in registers.
template <int W>
struct PlacesOfLanes {
  FloatLanes<W> per_width;
  FloatLanes<W> bins;
  IntLanes<W> negative;  // how much further the places of negative numbers are

  explicit PlacesOfLanes(const HistogramBins& bins_of_all)
      : per_width(broadcast<W>(bins_of_all.per_width)),
        bins(broadcast<W>(static_cast<float>(bins_of_all.count))),
        negative(IntLanes<W>{} + (bins_of_all.count + 1)) {}

  [[gnu::always_inline]] IntLanes<W> operator()(FloatLanes<W> numbers) const {
    const IntLanes<W> bits = bits_of<W>(numbers) & 0x7fffffff;
    FloatLanes<W> magnitude;
    __builtin_memcpy(&magnitude, &bits, sizeof(magnitude));
    // NaN is taken for too large: of two numbers that cannot be compared this gives the bound.
    const FloatLanes<W> bin = at_most<W>(bins, magnitude * per_width);
    return __builtin_convertvector(bin, IntLanes<W>) + (negative & (numbers < FloatLanes<W>{}));
  }
};

// The last few numbers: what fills the register up is a number that is there, so that it changes no bound, and gets no place.
template <int W, bool nonzero>
[[gnu::always_inline]] inline std::size_t places_of_rest(const PlacesOfLanes<W>& place, const float* numbers, std::size_t count,
                                                         std::int32_t* places, FiniteBounds<W>& bounds) {
  float rest[W];
  IntLanes<W> there{};
  for (std::size_t lane = 0; lane < W; ++lane) {
    rest[lane] = numbers[lane < count ? lane : 0];
    there[lane] = lane < count ? -1 : 0;
  }
  const FloatLanes<W> x = load<W>(rest);
  bounds.take(x);
  return store_kept<W>(places, place(x), nonzero ? there & (x != FloatLanes<W>{}) : there);
}

template <int W, bool nonzero>
std::size_t find_places(const HistogramBins& bins, const float* numbers, std::size_t count, std::int32_t* places, Range& range) noexcept {
  const PlacesOfLanes<W> place(bins);
  FiniteBounds<W> bounds[2];  // two side by side: one has to wait for the comparison before it
  std::size_t found = 0;
  const auto take = [&](std::size_t first, FiniteBounds<W>& own) {
    const FloatLanes<W> x = load<W>(numbers + first);
    own.take(x);
    if constexpr (nonzero) {
      found += store_kept<W>(places + found, place(x), x != FloatLanes<W>{});
    } else {
      const IntLanes<W> all = place(x);
      __builtin_memcpy(places + found, &all, sizeof(all));
      found += W;
    }
  };
  std::size_t done = 0;
  for (; done + 2 * W <= count; done += 2 * W) {
    take(done, bounds[0]);
    take(done + W, bounds[1]);
  }
  for (; done + W <= count; done += W) take(done, bounds[0]);
  if (done < count) found += places_of_rest<W, nonzero>(place, numbers + done, count - done, places + found, bounds[0]);
  bounds[0].join(bounds[1]);
  range = {__builtin_inff(), -__builtin_inff(), 0};
  if (!bounds[0].widen(range)) range = range_of<W>(numbers, count);
  return found;
}

}  // namespace
}  // namespace titrate::kernels
