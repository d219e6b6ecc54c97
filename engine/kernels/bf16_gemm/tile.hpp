// The tile as a template; see bf16_gemm.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/bf16_gemm/bf16_gemm.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/word_lanes.hpp"

namespace titrate::kernels {
namespace {

// Dot is the variant's multiplication: `lanes` columns a register, a pair in `parts` steps.
//   columns<part>(b), factor<part>(a): a register of b, a word of a for all lanes; add(sums, factor, columns): the products added
// V registers of columns, R rows.
template <class Dot, int V, int R>
void bf16_tile(const Bf16Tile& tile) noexcept {
  constexpr int W = Dot::lanes;
  FloatLanes<W> sums[R][V];
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) sums[row][part] = load<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W);
  }
  const Bf16Pair* a = tile.a;
  const Bf16Pair* b = tile.b;
  const std::size_t a_stride = tile.a_stride;
  const auto step = [&]<int half>() __attribute__((always_inline)) {
    typename Dot::Register columns[V];
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) columns[part] = Dot::template columns<half>(b + part * W);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
      const typename Dot::Register factor = Dot::template factor<half>(a + static_cast<std::size_t>(row) * a_stride);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) {
        sums[row][part] = Dot::add(sums[row][part], factor, columns[part]);
        settle(sums[row][part]);
      }
    }
  };
  for (std::size_t pair = 0; pair < tile.pairs; ++pair) {
    step.template operator()<0>();
    if constexpr (Dot::parts == 2) step.template operator()<1>();
    ++a;
    b += W * V;
  }
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) store<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W, sums[row][part]);
  }
}

template <class Dot, int V, int R>
constexpr void fill_bf16_rows(Bf16Kernels& kernels) {
  kernels.tiles[R] = bf16_tile<Dot, V, R>;
  if constexpr (R > 1) fill_bf16_rows<Dot, V, R - 1>(kernels);
}

template <class Dot, int V, int R>
constexpr Bf16Kernels bf16_kernels_of() {
  Bf16Kernels kernels{.rows = R,
                      .columns = Dot::lanes * V,
                      .pair_step = 1,
                      .row_padding = 1,
                      .native = Dot::parts == 1,
                      .tiles = {},
                      .begin = nullptr,
                      .end = nullptr};
  fill_bf16_rows<Dot, V, R>(kernels);
  return kernels;
}

// Without instructions for it: a bfloat16 number is the upper half of a float32, so a shift or a mask widens one of a pair.
template <int W>
struct WidenedPairs {
  static constexpr int lanes = W;
  static constexpr int parts = 2;
  using Register = FloatLanes<W>;

  template <int half>
  [[gnu::always_inline]] static Register columns(const Bf16Pair* b) {
    return widened<half>(load_words<W>(b));
  }
  template <int half>
  [[gnu::always_inline]] static Register factor(const Bf16Pair* a) {
    return widened<half>(*a - Words<W>{});
  }
  [[gnu::always_inline]] static FloatLanes<W> add(FloatLanes<W> sums, Register factor, Register columns) {
    return multiply_add<W>(factor, columns, sums);
  }

 private:
  template <int half>
  [[gnu::always_inline]] static Register widened(Words<W> pairs) {
    const Words<W> bits = half == 0 ? pairs << 16 : pairs & 0xffff0000U;
    Register numbers;
    __builtin_memcpy(&numbers, &bits, sizeof(numbers));
    return numbers;
  }
};

}  // namespace
}  // namespace titrate::kernels
