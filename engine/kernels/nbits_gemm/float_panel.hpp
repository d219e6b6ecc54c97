// Float arithmetic on packed weights as templates; see nbits_gemm.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/nbits_gemm/codes.hpp"

namespace titrate::kernels {
namespace {

// One word of each of V * W columns: code after code from `index` on, for all columns each. Of the last word `count` codes exist, of all
// others (whole) all.
template <int W, int V, int bits, bool whole, bool by_column, int index = 0>
[[gnu::always_inline]] inline void add_products(IntLanes<W> (&words)[V], const float* zero_points, float zero_point, const float* scales,
                                                const float* a, std::size_t count, FloatLanes<W> (&sums)[V]) {
  using Place = CodePlace<bits, index>;
  if (!whole && index >= count) return;
  const FloatLanes<W> factor = broadcast<W>(a[index]);
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) {
    if constexpr (index > 0 && Place::bit == 0) words[part] >>= Place::stretch;
    const float* points = by_column ? zero_points + part * W : nullptr;
    sums[part] = multiply_add<W>(factor, weight_at<W, Place>(words[part], points, zero_point, load<W>(scales + part * W)), sums[part]);
  }
  if constexpr (index + 1 < 32 / bits) {
    add_products<W, V, bits, whole, by_column, index + 1>(words, zero_points, zero_point, scales, a, count, sums);
  }
}

template <int W, int V>
[[gnu::always_inline]] inline void load_each(const std::uint32_t* source, IntLanes<W> (&words)[V]) {
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) words[part] = load_words<W>(source + part * W);
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
    IntLanes<W> here[V];
    std::size_t k = 0;
    for (; k + codes <= count; k += codes, words += nbits_panel_columns) {
      load_each<W, V>(words, here);
      add_products<W, V, bits, true, by_column>(here, zero_points, panel.zero_point, scales, a + first + k, codes, sums);
    }
    if (k == count) continue;
    load_each<W, V>(words, here);
    add_products<W, V, bits, false, by_column>(here, zero_points, panel.zero_point, scales, a + first + k, count - k, sums);
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
[[gnu::always_inline]] inline void store_weights(IntLanes<W> words, const float* zero_points, float zero_point, FloatLanes<W> scales,
                                                 std::size_t count, float* target) {
  if (index >= count) return;
  using Place = CodePlace<bits, index>;
  store<W>(target + index * width, weight_at<W, Place>(words >> Place::shift, zero_points, zero_point, scales));
  if constexpr (index + 1 < 32 / bits) store_weights<W, bits, width, index + 1>(words, zero_points, zero_point, scales, count, target);
}

// V registers make the width of a tile. What is read lies far apart, a line in each row of words, and comes from memory: the lines of the
// same columns in the next `count` rows are asked for, which is what a product unpacks after all columns of these rows.
template <int W, int V, int bits>
void nbits_unpack(const NBitsPanel& panel, std::size_t first, std::size_t count, std::size_t column, float* target) noexcept {
  constexpr std::size_t codes = 32 / bits;
  const std::size_t ahead = (count + codes - 1) / codes * nbits_panel_columns;
  for (std::size_t k = 0; k < count; k += codes) {
    const std::size_t block = (first + k) / panel.block * nbits_panel_columns + column;
    const std::uint32_t* words = panel.words + (first + k) / codes * nbits_panel_columns + column;
    __builtin_prefetch(words + ahead);
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      const float* zero_points = panel.zero_points != nullptr ? panel.zero_points + block + part * W : nullptr;
      store_weights<W, bits, W * V>(load_words<W>(words + part * W), zero_points, panel.zero_point,
                                    load<W>(panel.scales + block + part * W), count - k, target + k * (W * V) + part * W);
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
