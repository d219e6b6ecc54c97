// As avx512.cpp, with VPDPBUSD: four products of u8 and s8 and their sum in one instruction, exact.
#include "engine/kernels/nbits_gemm/kernels.hpp"

namespace titrate::kernels {

#if defined(__AVX512VNNI__)
static constexpr NBitsKernels kernels = nbits_kernels_of<16, 4, 2, 16, 8>();
extern const NBitsKernels* const nbits_vnni = &kernels;
#else
extern const NBitsKernels* const nbits_vnni = nullptr;
#endif

}  // namespace titrate::kernels
