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

// int32 sums of R rows and V registers over the `count` codes of a block, from k on.
template <int W, int V, int R, int bits>
[[gnu::always_inline]] inline void sum_block(const NBitsTile& tile, std::size_t column, std::size_t k, std::size_t count,
                                             IntLanes<W> (&sums)[R][V]) {
  using Dot = IntegerDot<W>;
  constexpr std::size_t codes = 32 / bits;
#pragma GCC unroll 8
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) sums[row][part] = IntLanes<W>{};
  }
  const std::uint32_t* words = tile.panel.words + k / codes * nbits_panel_columns + column;
  const std::int8_t* a = tile.a.codes + k;
  if constexpr (bits == 8) {
    for (std::size_t done = 0; done < count; done += codes, words += nbits_panel_columns, a += codes) {
      IntLanes<W> of_columns[V];
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) of_columns[part] = load_words<W>(words + part * W);
#pragma GCC unroll 8
      for (int row = 0; row < R; ++row) {
        const IntLanes<W> factor = broadcast_codes<W>(a + static_cast<std::size_t>(row) * tile.a.stride);
#pragma GCC unroll 8
        for (int part = 0; part < V; ++part) sums[row][part] = Dot::wide(sums[row][part], of_columns[part], factor);
      }
    }
  } else {
    for (std::size_t done = 0; done < count; done += narrow_codes) {
      IntLanes<W> narrow[R][V] = {};
      const std::size_t here = smaller(narrow_codes, count - done);
      for (std::size_t step = 0; step < here; step += codes, words += nbits_panel_columns, a += codes) {
#pragma GCC unroll 8
        for (int part = 0; part < V; ++part) {
          const IntLanes<W> pairs = load_words<W>(words + part * W);
          const IntLanes<W> even = pairs & 0x0f0f0f0f;
          const IntLanes<W> odd = (pairs >> 4) & 0x0f0f0f0f;
#pragma GCC unroll 8
          for (int row = 0; row < R; ++row) {
            const std::int8_t* of_row = a + static_cast<std::size_t>(row) * tile.a.stride;
            narrow[row][part] = Dot::narrow(narrow[row][part], even, broadcast_codes<W>(of_row));
            narrow[row][part] = Dot::narrow(narrow[row][part], odd, broadcast_codes<W>(of_row + 4));
          }
        }
      }
#pragma GCC unroll 8
      for (int row = 0; row < R; ++row) {
#pragma GCC unroll 8
        for (int part = 0; part < V; ++part) sums[row][part] += Dot::widened(narrow[row][part]);
      }
    }
  }
}

template <int W, int V, int R, int bits>
[[gnu::always_inline]] inline void add_block(const NBitsTile& tile, std::size_t column, std::size_t block, IntLanes<W> (&sums)[R][V]) {
  constexpr std::int32_t offset = bits == 8 ? IntegerDot<W>::wide_offset : 0;
  const std::size_t at = block * nbits_panel_columns + column;
#pragma GCC unroll 8
  for (int row = 0; row < R; ++row) {
    const std::size_t of_row = static_cast<std::size_t>(row) * tile.a.blocks + block;
    const FloatLanes<W> a_scale = broadcast<W>(tile.a.scales[of_row]);
    const std::int32_t code_sum = tile.a.sums[of_row];
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) {
      IntLanes<W> correction;
      if (tile.panel.zero_points != nullptr) {
        correction = (__builtin_convertvector(load<W>(tile.panel.zero_points + at + part * W), IntLanes<W>) - offset) * code_sum;
      } else {
        correction = (static_cast<std::int32_t>(tile.panel.zero_point) - offset) * code_sum + IntLanes<W>{};
      }
      const FloatLanes<W> total = __builtin_convertvector(sums[row][part] - correction, FloatLanes<W>);
      float* target = tile.c + static_cast<std::size_t>(row) * tile.c_stride + column + part * W;
      store<W>(target, load<W>(target) + total * a_scale * load<W>(tile.panel.scales + at + part * W));
    }
  }
}

template <int W, int V, int R, int bits>
void nbits_integers(const NBitsTile& tile) noexcept {
  for (std::size_t column = 0; column < nbits_panel_columns; column += static_cast<std::size_t>(W * V)) {
    for (std::size_t block = 0; block < tile.a.blocks; ++block) {
      const std::size_t k = block * tile.panel.block;
      IntLanes<W> sums[R][V];
      sum_block<W, V, R, bits>(tile, column, k, smaller(tile.panel.block, tile.panel.depth - k), sums);
      add_block<W, V, R, bits>(tile, column, block, sums);
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
    for (std::size_t k = 0; k < count; k += 8) {
      std::int32_t codes[8] = {};
      const std::size_t here = smaller(8, count - k);
      for (std::size_t i = 0; i < here; ++i) {
        const float quotient = a[first + k + i] / scale;
        const float above = quotient > -127.0F ? quotient : -127.0F;  // a scale below the least normal float is not exact
        const float clamped = above < 127.0F ? above : 127.0F;
        codes[i] = __builtin_bit_cast(std::int32_t, clamped + code_rounder) - code_rounder_bits;
        sum += codes[i];
      }
      for (std::size_t i = 0; i < 8; ++i) target.codes[first + k + place_of(bits, i)] = static_cast<std::int8_t>(codes[i]);
    }
    target.sums[index] = sum;
  }
}

}  // namespace
}  // namespace titrate::kernels
