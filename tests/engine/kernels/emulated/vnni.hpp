// As avx512.hpp, for the files of AVX512-VNNI.
#pragma once

#include <immintrin.h>
#include <simde/x86/avx512/dpbusd.h>

#include "tests/engine/kernels/emulated/avx512.hpp"

#define _mm512_dpbusd_epi32 simde_mm512_dpbusd_epi32
#define __AVX512VNNI__ 1
