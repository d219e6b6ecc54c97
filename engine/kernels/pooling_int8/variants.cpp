#include "engine/kernels/pooling_int8/pooling_int8.hpp"

namespace titrate::kernels {

const PoolingInt8Kernels& pooling_int8_kernels(Isa isa) {
  if (isa >= Isa::avx512 && pooling_int8_avx512 != nullptr) return *pooling_int8_avx512;
  if (isa >= Isa::avx2 && pooling_int8_avx2 != nullptr) return *pooling_int8_avx2;
  return *pooling_int8_scalar;
}

}  // namespace titrate::kernels
