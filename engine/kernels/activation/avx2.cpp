#include "engine/kernels/activation/loops.hpp"

namespace titrate::kernels {

#if defined(__AVX2__) && defined(__FMA__)
extern const ActivationKernel activation_avx2 = activate<8>;
#else
extern const ActivationKernel activation_avx2 = nullptr;
#endif

}  // namespace titrate::kernels
