// 14 x 32: vdpbf16ps adds two products to each sum; 28 of the 32 registers hold sums.
#include "engine/kernels/bf16_gemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX512BF16__)
namespace {

struct DotPairs {
  static constexpr int lanes = 16;
  static constexpr int parts = 1;
  using Register = Words<16>;

  template <int>
  [[gnu::always_inline]] static Register columns(const Bf16Pair* b) {
    return load_words<16>(b);
  }
  template <int>
  [[gnu::always_inline]] static Register factor(const Bf16Pair* a) {
    return *a - Register{};
  }
  [[gnu::always_inline]] static FloatLanes<16> add(FloatLanes<16> sums, Register factor, Register columns) {
    const __m512 made =
        _mm512_dpbf16_ps(__builtin_bit_cast(__m512, sums), __builtin_bit_cast(__m512bh, factor), __builtin_bit_cast(__m512bh, columns));
    return __builtin_bit_cast(FloatLanes<16>, made);
  }
};

}  // namespace

static constexpr Bf16Kernels kernels = bf16_kernels_of<DotPairs, 2, 14>();
extern const Bf16Kernels* const bf16_avx512bf16 = &kernels;
#else
extern const Bf16Kernels* const bf16_avx512bf16 = nullptr;
#endif

}  // namespace titrate::kernels
