#include "engine/kernels/requantize/requantize.hpp"

namespace titrate::kernels {

const RequantizeKernels& requantize_kernels(Isa isa) {
  if (isa >= Isa::avx512 && requantize_avx512 != nullptr) return *requantize_avx512;
  if (isa >= Isa::avx2 && requantize_avx2 != nullptr) return *requantize_avx2;
  return *requantize_scalar;
}

}  // namespace titrate::kernels
