// The places as a template; see histogram.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/histogram/histogram.hpp"
#include "engine/kernels/lanes.hpp"

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

template <int W>
[[gnu::always_inline]] inline std::size_t find_places_of_lanes(const HistogramBins& bins, FloatLanes<W> numbers, std::int32_t* places) {
  const IntLanes<W> bits = bits_of<W>(numbers);
  const IntLanes<W> magnitude = bits & 0x7fffffff;  // magnitudes compare as their bits do
  const IntLanes<W> left_out = magnitude > __builtin_bit_cast(std::int32_t, bins.largest);
  const IntLanes<W> inside = magnitude & ~left_out;
  FloatLanes<W> size;
  __builtin_memcpy(&size, &inside, sizeof(size));
  const IntLanes<W> bin = __builtin_convertvector(size * broadcast<W>(bins.per_width), IntLanes<W>);
  const IntLanes<W> place = bin + ((bits >> 31) & bins.count);
  return store_kept<W>(places, left_out ? (IntLanes<W>{} + 2 * bins.count) : place, magnitude != 0);
}

template <int W>
std::size_t find_places(const HistogramBins& bins, const float* numbers, std::size_t count, std::int32_t* places) noexcept {
  std::size_t found = 0;
  std::size_t done = 0;
  for (; done + W <= count; done += W) found += find_places_of_lanes<W>(bins, load<W>(numbers + done), places + found);
  if (done == count) return found;
  float rest[W] = {};  // zeros have no place
  for (std::size_t i = 0; done + i < count; ++i) rest[i] = numbers[done + i];
  return found + find_places_of_lanes<W>(bins, load<W>(rest), places + found);
}

}  // namespace
}  // namespace titrate::kernels
