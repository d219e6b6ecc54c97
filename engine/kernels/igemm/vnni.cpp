// 14 x 32: vpdpbusd adds four products to each sum, exactly; 28 of the 32 registers hold sums.
#include "engine/kernels/igemm/tile.hpp"

namespace titrate::kernels {

#if defined(__AVX512VNNI__)
namespace {

struct ByteQuads {
  static constexpr int lanes = 16;
  static constexpr int interleave = 4;
  static constexpr int a_bytes = 4;
  static constexpr bool widened = false;
  using Codes = IntLanes<16>;

  [[gnu::always_inline]] static Codes load(const std::int8_t* b) {
    Codes codes;
    __builtin_memcpy(&codes, b, sizeof(codes));
    return codes;
  }
  [[gnu::always_inline]] static Codes broadcast(const std::byte* a) {
    std::int32_t quad;
    __builtin_memcpy(&quad, a, sizeof(quad));
    return quad - Codes{};
  }
  [[gnu::always_inline]] static Codes add_products(Codes sums, Codes a, Codes b) {
    const __m512i made =
        _mm512_dpbusd_epi32(__builtin_bit_cast(__m512i, sums), __builtin_bit_cast(__m512i, a), __builtin_bit_cast(__m512i, b));
    return __builtin_bit_cast(Codes, made);
  }
};

}  // namespace

static constexpr IgemmKernels kernels = igemm_kernels_of<ByteQuads, 2, 14>();
extern const IgemmKernels* const igemm_vnni = &kernels;
#else
extern const IgemmKernels* const igemm_vnni = nullptr;
#endif

}  // namespace titrate::kernels
