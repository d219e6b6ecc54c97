// Float arithmetic on packed weights as templates; see nbits_gemm.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/nbits_gemm/codes.hpp"

namespace titrate::kernels {
namespace {

// The codes of one word, from `index` on. Of the last word `count` codes exist; of all others (whole) all.
template <int W, int bits, bool whole, bool by_column, int index = 0>
[[gnu::always_inline]] inline void add_products(const Words<W>& words, const float* zero_points, float zero_point, FloatLanes<W> scales,
                                                const float* a, std::size_t count, FloatLanes<W>& sums) {
  if (!whole && index >= count) return;
  const FloatLanes<W> weights = weight_at<W, bits, index>(words, by_column ? zero_points : nullptr, zero_point, scales);
  sums = multiply_add<W>(broadcast<W>(a[index]), weights, sums);
  if constexpr (index + 1 < 32 / bits) {
    add_products<W, bits, whole, by_column, index + 1>(words, zero_points, zero_point, scales, a, count, sums);
  }
}

// V registers of W columns from `column` on.
template <int W, int V, int bits, bool by_column>
[[gnu::always_inline]] inline void add_row(const NBitsPanel& panel, std::size_t column, const float* a, float* c) {
  constexpr std::size_t codes = 32 / bits;
  FloatLanes<W> sums[V];
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) sums[part] = load<W>(c + column + part * W);
  const std::uint32_t* words = panel.words + column;
  for (std::size_t first = 0; first < panel.depth; first += panel.block) {
    const float* scales = panel.scales + first / panel.block * nbits_panel_columns + column;
    const float* zero_points = by_column ? panel.zero_points + (scales - panel.scales) : nullptr;
    const std::size_t count = smaller(panel.block, panel.depth - first);
    for (std::size_t k = 0; k + codes <= count; k += codes) {
#pragma GCC unroll 8
      for (int part = 0; part < V; ++part) {
        add_products<W, bits, true, by_column>(Words<W>(words + part * W), zero_points + (by_column ? part * W : 0), panel.zero_point,
                                               load<W>(scales + part * W), a + first + k, codes, sums[part]);
      }
      words += nbits_panel_columns;
    }
    if (count % codes == 0) continue;
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) {
      add_products<W, bits, false, by_column>(Words<W>(words + part * W), zero_points + (by_column ? part * W : 0), panel.zero_point,
                                              load<W>(scales + part * W), a + first + count / codes * codes, count % codes, sums[part]);
    }
  }
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) store<W>(c + column + part * W, sums[part]);
}

template <int W, int V, int bits>
void nbits_row(const NBitsPanel& panel, const float* a, float* c) noexcept {
  for (std::size_t column = 0; column < nbits_panel_columns; column += static_cast<std::size_t>(W * V)) {
    if (panel.zero_points != nullptr) {
      add_row<W, V, bits, true>(panel, column, a, c);
    } else {
      add_row<W, V, bits, false>(panel, column, a, c);
    }
  }
}

template <int W, int bits, int width, int index = 0>
[[gnu::always_inline]] inline void store_weights(const Words<W>& words, const float* zero_points, float zero_point, FloatLanes<W> scales,
                                                 std::size_t count, float* target) {
  if (index >= count) return;
  store<W>(target + index * width, weight_at<W, bits, index>(words, zero_points, zero_point, scales));
  if constexpr (index + 1 < 32 / bits) store_weights<W, bits, width, index + 1>(words, zero_points, zero_point, scales, count, target);
}

// V registers make the width of a tile.
template <int W, int V, int bits>
void nbits_unpack(const NBitsPanel& panel, std::size_t first, std::size_t count, std::size_t column, float* target) noexcept {
  constexpr std::size_t codes = 32 / bits;
  for (std::size_t k = 0; k < count; k += codes) {
    const std::size_t block = (first + k) / panel.block * nbits_panel_columns + column;
    const std::uint32_t* words = panel.words + (first + k) / codes * nbits_panel_columns + column;
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      const float* zero_points = panel.zero_points != nullptr ? panel.zero_points + block + part * W : nullptr;
      store_weights<W, bits, W * V>(Words<W>(words + part * W), zero_points, panel.zero_point, load<W>(panel.scales + block + part * W),
                                    count - k, target + k * (W * V) + part * W);
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
