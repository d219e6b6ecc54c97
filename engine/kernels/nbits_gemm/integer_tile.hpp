// INT8 arithmetic on packed weights as templates; see nbits_gemm.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/nbits_gemm/integer_dot.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t narrow_codes = 32;  // along K, see integer_dot.hpp

template <int W>
[[gnu::always_inline]] inline IntLanes<W> broadcast_codes(const std::int8_t* codes) {
  std::int32_t four;
  __builtin_memcpy(&four, codes, sizeof(four));
  return four + IntLanes<W>{};
}

template <int W, int V, int R>
using TileSums = IntLanes<W>[R][V];

// What the loops read of a tile, in registers: stores to C would else have it read again.
struct TileSources {
  const std::uint32_t* words;  // of the tile's first column
  const std::int8_t* a;
  std::size_t a_stride;
};

template <int W, int V, int R>
[[gnu::always_inline]] inline void clear(TileSums<W, V, R>& sums) {
#pragma GCC unroll 8
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) sums[row][part] = IntLanes<W>{};
  }
}

// Four codes of every row and column, the words shifted right by `shift` bits. One row: columns are made as they are needed, because all
// registers hold sums; several rows: the columns' codes are made once.
template <int W, int V, int R, int shift>
[[gnu::always_inline]] inline void add_narrow(const TileSources& from, std::size_t a_offset, TileSums<W, V, R>& sums) {
  const auto codes_of = [&](int part) __attribute__((always_inline)) {
    return (load_words<W>(from.words + part * W) >> shift) & 0x0f0f0f0f;
  };
  if constexpr (R == 1) {
    const IntLanes<W> factor = broadcast_codes<W>(from.a + a_offset);
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) sums[0][part] = IntegerDot<W>::narrow(sums[0][part], codes_of(part), factor);
  } else {
    IntLanes<W> codes[V];
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) codes[part] = codes_of(part);
#pragma GCC unroll 8
    for (int row = 0; row < R; ++row) {
      const IntLanes<W> factor = broadcast_codes<W>(from.a + static_cast<std::size_t>(row) * from.a_stride + a_offset);
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) sums[row][part] = IntegerDot<W>::narrow(sums[row][part], codes[part], factor);
    }
  }
}

// Up to 32 codes of 4 bits along K.
template <int W, int V, int R>
[[gnu::always_inline]] inline void sum_narrow(TileSources& from, std::size_t count, TileSums<W, V, R>& sums) {
  constexpr std::size_t codes = 8;
  clear<W, V, R>(sums);
  for (std::size_t done = 0; done < count; done += codes) {
    add_narrow<W, V, R, 0>(from, 0, sums);
    add_narrow<W, V, R, 4>(from, 4, sums);
    from.words += nbits_panel_columns;
    from.a += codes;
  }
#pragma GCC unroll 8
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) sums[row][part] = IntegerDot<W>::widened(sums[row][part]);
  }
}

template <int W, int V, int R>
[[gnu::always_inline]] inline void sum_wide(TileSources& from, std::size_t count, TileSums<W, V, R>& sums) {
  constexpr std::size_t codes = 4;
  clear<W, V, R>(sums);
  for (std::size_t done = 0; done < count; done += codes) {
#pragma GCC unroll 8
    for (int row = 0; row < R; ++row) {
      const IntLanes<W> factor = broadcast_codes<W>(from.a + static_cast<std::size_t>(row) * from.a_stride);
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) {
        sums[row][part] = IntegerDot<W>::wide(sums[row][part], load_words<W>(from.words + part * W), factor);
      }
    }
    from.words += nbits_panel_columns;
    from.a += codes;
  }
}

// int32 sums over the `count` codes of a block.
template <int W, int V, int R, int bits>
[[gnu::always_inline]] inline void sum_block(TileSources& from, std::size_t count, TileSums<W, V, R>& sums) {
  if constexpr (bits == 8) {
    sum_wide<W, V, R>(from, count, sums);
  } else {
    sum_narrow<W, V, R>(from, smaller(narrow_codes, count), sums);
    for (std::size_t done = narrow_codes; done < count; done += narrow_codes) {
      TileSums<W, V, R> more;
      sum_narrow<W, V, R>(from, smaller(narrow_codes, count - done), more);
#pragma GCC unroll 8
      for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
        for (int part = 0; part < V; ++part) sums[row][part] += more[row][part];
      }
    }
  }
}

// Adds what a block contributes to C: `sums` without the zero points, times both scales.
template <int W, int V, int R, int bits, bool by_column>
[[gnu::always_inline]] inline void add_block(const NBitsTile& tile, std::size_t column, std::size_t block, const TileSums<W, V, R>& sums) {
  constexpr std::int32_t offset = bits == 8 ? IntegerDot<W>::wide_offset : 0;
  const std::size_t at = block * nbits_panel_columns + column;
  const float* scales = tile.panel.scales + at;
  const float* zero_points = by_column ? tile.panel.zero_points + at : nullptr;
  const float* a_scales = tile.a.scales + block;
  const std::int32_t* a_sums = tile.a.sums + block;
  const std::size_t blocks = tile.a.blocks;
  const std::size_t stride = tile.c_stride;
  const auto zero_point = static_cast<std::int32_t>(tile.panel.zero_point);
  float* c = tile.c + column;
#pragma GCC unroll 8
  for (int row = 0; row < R; ++row) {
    const FloatLanes<W> a_scale = broadcast<W>(a_scales[static_cast<std::size_t>(row) * blocks]);
    const std::int32_t a_sum = a_sums[static_cast<std::size_t>(row) * blocks];
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) {
      IntLanes<W> correction = (zero_point - offset) * a_sum + IntLanes<W>{};
      if constexpr (by_column) correction = (__builtin_convertvector(load<W>(zero_points + part * W), IntLanes<W>) - offset) * a_sum;
      const FloatLanes<W> total = __builtin_convertvector(sums[row][part] - correction, FloatLanes<W>);
      float* target = c + static_cast<std::size_t>(row) * stride + part * W;
      store<W>(target, load<W>(target) + total * a_scale * load<W>(scales + part * W));
    }
  }
}

template <int W, int V, int R, int bits, bool by_column>
[[gnu::always_inline]] inline void add_columns(const NBitsTile& tile, std::size_t column) {
  TileSources from{tile.panel.words + column, tile.a.codes, tile.a.stride};
  const std::size_t step = tile.panel.block;
  const std::size_t depth = tile.panel.depth;
  for (std::size_t block = 0, k = 0; k < depth; ++block, k += step) {
    TileSums<W, V, R> sums;
    sum_block<W, V, R, bits>(from, smaller(step, depth - k), sums);
    add_block<W, V, R, bits, by_column>(tile, column, block, sums);
  }
}

template <int W, int V, int R, int bits>
void nbits_integers(const NBitsTile& tile) noexcept {
  for (std::size_t column = 0; column < nbits_panel_columns; column += static_cast<std::size_t>(W * V)) {
    if (tile.panel.zero_points != nullptr) {
      add_columns<W, V, R, bits, true>(tile, column);
    } else {
      add_columns<W, V, R, bits, false>(tile, column);
    }
  }
}

// The largest magnitude, or infinity where a number is not finite.
template <int W>
[[gnu::always_inline]] inline float largest_magnitude(const float* a, std::size_t count) {
  IntLanes<W> largest{};  // magnitudes compare as their bits do
  std::size_t k = 0;
  for (; k + W <= count; k += W) {
    const IntLanes<W> magnitude = load_words<W>(a + k) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  std::int32_t most = 0;
  for (int lane = 0; lane < W; ++lane) most = largest[lane] > most ? largest[lane] : most;
  for (; k < count; ++k) {
    const std::int32_t magnitude = __builtin_bit_cast(std::int32_t, a[k]) & 0x7fffffff;
    most = magnitude > most ? magnitude : most;
  }
  return most >= 0x7f800000 ? __builtin_inff() : __builtin_bit_cast(float, most);
}

// Adding 1.5 * 2^23 leaves a float of magnitude below 2^22 rounded half to even in the low mantissa bits.
constexpr float code_rounder = 12582912.0F;
constexpr std::int32_t code_rounder_bits = 0x4b400000;

// Where code k of a block goes: a 4-bit word's even codes lie in the low halves of its bytes, the odd ones in the high halves.
constexpr std::size_t place_of(int bits, std::size_t k) { return bits == 4 ? k / 8 * 8 + k % 8 / 2 + (k & 1) * 4 : k; }

// Returns the sum of the codes.
[[gnu::always_inline]] inline std::int32_t quantize_eight(int bits, const float* a, float scale, std::int8_t* target) {
  std::int32_t codes[8];
  for (int i = 0; i < 8; ++i) {
    const float quotient = a[i] / scale;
    const float above = quotient > -127.0F ? quotient : -127.0F;  // a scale below the least normal float is not exact
    const float clamped = above < 127.0F ? above : 127.0F;
    codes[i] = __builtin_bit_cast(std::int32_t, clamped + code_rounder) - code_rounder_bits;
  }
  std::int8_t placed[8];
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    placed[place_of(bits, i)] = static_cast<std::int8_t>(codes[i]);
    sum += codes[i];
  }
  __builtin_memcpy(target, placed, sizeof(placed));
  return sum;
}

template <int W>
void nbits_quantize(int bits, const float* a, std::size_t depth, std::size_t block, const NBitsRows& target) noexcept {
  for (std::size_t k = 0; k < target.stride; k += 8) __builtin_memset(target.codes + k, 0, 8);
  for (std::size_t index = 0; index < target.blocks; ++index) {
    const std::size_t first = index * block;
    const std::size_t count = smaller(block, depth - first);
    const float largest = largest_magnitude<W>(a + first, count);
    const bool finite = largest < __builtin_inff();
    const float scale = largest / 127.0F;
    target.scales[index] = finite ? scale : __builtin_nanf("");
    target.sums[index] = 0;
    if (!finite || scale == 0) continue;
    std::int32_t sum = 0;
    std::size_t k = 0;
    for (; k + 8 <= count; k += 8) sum += quantize_eight(bits, a + first + k, scale, target.codes + first + k);
    if (k < count) {
      float last[8] = {};
      for (std::size_t i = 0; i < count - k; ++i) last[i] = a[first + k + i];
      sum += quantize_eight(bits, last, scale, target.codes + first + k);
    }
    target.sums[index] = sum;
  }
}

}  // namespace
}  // namespace titrate::kernels
