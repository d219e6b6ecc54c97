#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {

const WinogradKernels& winograd_kernels(Isa isa) {
  if (isa >= Isa::avx512 && winograd_avx512 != nullptr) return *winograd_avx512;
  if (isa >= Isa::avx2 && winograd_avx2 != nullptr) return *winograd_avx2;
  return *winograd_scalar;
}

}  // namespace titrate::kernels
