#include "engine/kernels/channel_blocks/convolution/convolution.hpp"

namespace titrate::kernels {

const BlockedConvolutionKernels& blocked_convolution_kernels(Isa isa) {
  if (isa >= Isa::avx512 && blocked_convolution_avx512 != nullptr) return *blocked_convolution_avx512;
  if (isa >= Isa::avx2 && blocked_convolution_avx2 != nullptr) return *blocked_convolution_avx2;
  return *blocked_convolution_scalar;
}

}  // namespace titrate::kernels
