#include "engine/kernels/quantize/quantize.hpp"

namespace titrate::kernels {

const QuantizeKernels& quantize_kernels(Isa isa) {
  if (isa >= Isa::avx512 && quantize_avx512 != nullptr) return *quantize_avx512;
  if (isa >= Isa::avx2 && quantize_avx2 != nullptr) return *quantize_avx2;
  return *quantize_scalar;
}

}  // namespace titrate::kernels
