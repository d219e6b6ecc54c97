#include "engine/kernels/activation/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX512F__) && defined(__AVX512BW__)
extern const ActivationKernel activation_avx512 = activate<16>;
#else
extern const ActivationKernel activation_avx512 = nullptr;
#endif

}  // namespace titrate::kernels
