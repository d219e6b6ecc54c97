// The tile as a template; see igemm.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/igemm/igemm.hpp"
#include "engine/kernels/lanes.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace titrate::kernels {
namespace {

template <int W>
[[gnu::always_inline]] inline IntLanes<W> load_sums(const std::int32_t* source) {
  IntLanes<W> lanes;
  __builtin_memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

template <int W>
[[gnu::always_inline]] inline void store_sums(std::int32_t* target, IntLanes<W> lanes) {
  __builtin_memcpy(target, &lanes, sizeof(lanes));
}

template <int W>
struct WrappingLanes {
  typedef std::uint32_t Unsigned __attribute__((vector_size(4 * W)));
};

// Modulo 2^32: signed numbers must not overflow, unsigned ones may.
template <int W>
[[gnu::always_inline]] inline IntLanes<W> add_wrapping(IntLanes<W> a, IntLanes<W> b) {
  using Unsigned = typename WrappingLanes<W>::Unsigned;
  return IntLanes<W>(Unsigned(a) + Unsigned(b));
}

// Dot is the variant's multiplication: `lanes` columns a register, `interleave` products a lane, `a_bytes` for one step of a row.
// V registers of columns, R rows, U sums for each output in turn (a lone row has too few sums to hide an addition's latency).
template <class Dot, int V, int R, int U>
void igemm_tile(const IgemmTile& tile) noexcept {
  constexpr int W = Dot::lanes;
  constexpr std::size_t b_step = static_cast<std::size_t>(W * V * Dot::interleave);
  IntLanes<W> sums[U][R][V];
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      sums[0][row][part] = load_sums<W>(tile.start + part * W);
#pragma GCC unroll 4
      for (int turn = 1; turn < U; ++turn) sums[turn][row][part] = IntLanes<W>{};
    }
  }
  const std::byte* a = tile.a;
  const std::int8_t* b = tile.b;
  const std::size_t stride = tile.a_stride;
  const std::size_t steps = tile.depth / static_cast<std::size_t>(Dot::interleave);
  const auto step = [&](int turn) __attribute__((always_inline)) {
    typename Dot::Codes columns[V];
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) columns[part] = Dot::load(b + part * W * Dot::interleave);
#pragma GCC unroll 16
    for (int row = 0; row < R; ++row) {
      const typename Dot::Codes factor = Dot::broadcast(a + static_cast<std::size_t>(row) * stride);
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) sums[turn][row][part] = Dot::add_products(sums[turn][row][part], factor, columns[part]);
    }
    a += Dot::a_bytes;
    b += b_step;
  };
  std::size_t k = 0;
  for (; k + U <= steps; k += U) {
#pragma GCC unroll 4
    for (int turn = 0; turn < U; ++turn) step(turn);
  }
  if constexpr (U > 1) {
    for (; k < steps; ++k) step(0);
  }
#pragma GCC unroll 16
  for (int row = 0; row < R; ++row) {
#pragma GCC unroll 4
    for (int part = 0; part < V; ++part) {
      IntLanes<W> sum = sums[0][row][part];
#pragma GCC unroll 4
      for (int turn = 1; turn < U; ++turn) sum = add_wrapping<W>(sum, sums[turn][row][part]);
      store_sums<W>(tile.c + static_cast<std::size_t>(row) * tile.c_stride + part * W, sum);
    }
  }
}

template <class Dot, int V, int R>
constexpr void fill_igemm_rows(IgemmKernels& kernels) {
  kernels.tiles[R] = igemm_tile < Dot, V, R, R == 1 ? 4 : R <= 3 ? 2 : 1 > ;
  if constexpr (R > 1) fill_igemm_rows<Dot, V, R - 1>(kernels);
}

[[maybe_unused]] inline void widen_codes(const std::uint8_t* __restrict codes, std::byte* __restrict target, std::size_t count) noexcept {
  auto* words = reinterpret_cast<std::int16_t*>(target);
  for (std::size_t i = 0; i < count; ++i) words[i] = codes[i];
}

template <class Dot, int V, int R>
constexpr IgemmKernels igemm_kernels_of() {
  IgemmKernels kernels{.rows = R,
                       .columns = Dot::lanes * V,
                       .interleave = Dot::interleave,
                       .depth_step = Dot::interleave,
                       .widened = Dot::widened,
                       .row_padding = 1,
                       .tiles = {},
                       .widen = Dot::widened ? widen_codes : nullptr,
                       .begin = nullptr,
                       .end = nullptr};
  fill_igemm_rows<Dot, V, R>(kernels);
  return kernels;
}

template <int W>
struct PairLanes {
  typedef std::int16_t Words __attribute__((vector_size(4 * W)));
  typedef std::int8_t Bytes __attribute__((vector_size(2 * W)));
};

// Exact on every x86-64: both sides as 16-bit numbers, two products a lane (pmaddwd: 255 * 128 * 2 fits by far). vpmaddubsw would halve the
// bytes, but not the multiplications, and saturates at 16 bits. W columns a register; b is widened on the way, so that it stays bytes in
// memory.
template <int W>
struct WordPairs {
  static constexpr int lanes = W;
  static constexpr int interleave = 2;
  static constexpr int a_bytes = 4;
  static constexpr bool widened = true;
  using Codes = typename PairLanes<W>::Words;

  [[gnu::always_inline]] static Codes load(const std::int8_t* b) {
    typename PairLanes<W>::Bytes bytes;
    __builtin_memcpy(&bytes, b, sizeof(bytes));
#if defined(__AVX512BW__)
    if constexpr (W == 16) return Codes(_mm512_cvtepi8_epi16(__m256i(bytes)));
#endif
#if defined(__AVX2__)
    if constexpr (W == 8) return Codes(_mm256_cvtepi8_epi16(__m128i(bytes)));
#endif
    return __builtin_convertvector(bytes, Codes);
  }
  [[gnu::always_inline]] static Codes broadcast(const std::byte* a) {
    std::int32_t pair;
    __builtin_memcpy(&pair, a, sizeof(pair));
    const IntLanes<W> pairs = pair - IntLanes<W>{};
    Codes codes;
    __builtin_memcpy(&codes, &pairs, sizeof(codes));
    return codes;
  }
  [[gnu::always_inline]] static IntLanes<W> add_products(IntLanes<W> sums, Codes a, Codes b) {
#if defined(__AVX512BW__)
    if constexpr (W == 16) return add_wrapping<W>(sums, IntLanes<W>(_mm512_madd_epi16(__m512i(a), __m512i(b))));
#endif
#if defined(__AVX2__)
    if constexpr (W == 8) return add_wrapping<W>(sums, IntLanes<W>(_mm256_madd_epi16(__m256i(a), __m256i(b))));
#endif
#if defined(__SSE2__)
    if constexpr (W == 4) return add_wrapping<W>(sums, IntLanes<W>(_mm_madd_epi16(__m128i(a), __m128i(b))));
#endif
    IntLanes<W> products;
    for (int lane = 0; lane < W; ++lane) products[lane] = a[2 * lane] * b[2 * lane] + a[2 * lane + 1] * b[2 * lane + 1];
    return add_wrapping<W>(sums, products);
  }
};

}  // namespace
}  // namespace titrate::kernels
