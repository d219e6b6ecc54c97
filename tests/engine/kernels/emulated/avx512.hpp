// Included before everything else in the kernels' files of AVX-512 (the compiler's -include): the intrinsics that they use become functions
// for AVX2, from Debian's libsimde-dev where it has them. The compiler's own vectors of 64 bytes need no emulation: it cuts them in two.
#pragma once

#include <immintrin.h>
// SIMDe looks at the macros of instruction sets too, so it comes before they are defined.
#include <simde/x86/avx512/abs.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/compress.h>
#include <simde/x86/avx512/cvt.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/mov_mask.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>
#include <simde/x86/avx512/xor.h>

#include <cstddef>
#include <cstdint>

namespace titrate::kernels {
namespace {

// What SIMDe 0.7.4 lacks, as Intel's intrinsics guide says it.

[[maybe_unused]] simde__m512i emulated_maskz_cvtepu8_epi32(simde__mmask16 mask, __m128i codes) {
  std::uint8_t bytes[16];
  std::int32_t lanes[16];
  __builtin_memcpy(bytes, &codes, sizeof(bytes));
  for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] = (mask >> lane & 1) != 0 ? bytes[lane] : 0;
  simde__m512i made;
  __builtin_memcpy(&made, lanes, sizeof(made));
  return made;
}

// The low byte of each lane: no saturation.
[[maybe_unused]] __m128i emulated_maskz_cvtepi32_epi8(simde__mmask16 mask, simde__m512i numbers) {
  std::uint32_t lanes[16];
  std::uint8_t bytes[16];
  __builtin_memcpy(lanes, &numbers, sizeof(lanes));
  for (std::size_t lane = 0; lane < 16; ++lane) bytes[lane] = static_cast<std::uint8_t>((mask >> lane & 1) != 0 ? lanes[lane] : 0);
  __m128i made;
  __builtin_memcpy(&made, bytes, sizeof(made));
  return made;
}

}  // namespace
}  // namespace titrate::kernels

#define _mm512_abs_epi8 simde_mm512_abs_epi8
#define _mm512_add_epi16 simde_mm512_add_epi16
#define _mm512_cvtepi8_epi16 simde_mm512_cvtepi8_epi16
#define _mm512_fmadd_ps simde_mm512_fmadd_ps
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#define _mm512_maddubs_epi16 simde_mm512_maddubs_epi16
#define _mm512_mask_sub_epi8 simde_mm512_mask_sub_epi8
#define _mm512_maskz_compress_epi32 simde_mm512_maskz_compress_epi32
#define _mm512_maskz_cvtepi32_epi8 titrate::kernels::emulated_maskz_cvtepi32_epi8
#define _mm512_maskz_cvtepu8_epi32 titrate::kernels::emulated_maskz_cvtepu8_epi32
#define _mm512_movepi32_mask simde_mm512_movepi32_mask
#define _mm512_movepi8_mask simde_mm512_movepi8_mask
#define _mm512_set1_epi16 simde_mm512_set1_epi16
#define _mm512_set1_epi8 simde_mm512_set1_epi8
#define _mm512_setzero_si512 simde_mm512_setzero_si512
#define _mm512_storeu_si512 simde_mm512_storeu_si512
#define _mm512_xor_si512 simde_mm512_xor_si512

#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512DQ__ 1
#define __AVX512VL__ 1
