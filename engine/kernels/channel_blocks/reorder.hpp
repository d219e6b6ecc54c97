// Planes of channels to a block of channels and back: one block of one image a call.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// Planes are `channels` (1 to lanes) times `pixels` floats, a block is [pixels, lanes], lanes as of channel_lanes(). The two do not
/// overlap.
struct ReorderKernels {
  /// Lanes without a channel become zeros.
  void (*to_block)(const float* planes, std::size_t channels, std::size_t pixels, float* block) noexcept;
  void (*from_block)(const float* block, std::size_t channels, std::size_t pixels, float* planes) noexcept;
};

/// Null where the build has no such instruction set.
extern const ReorderKernels* const reorder_scalar;
extern const ReorderKernels* const reorder_avx2;
extern const ReorderKernels* const reorder_avx512;

[[nodiscard]] const ReorderKernels& reorder_kernels(Isa isa);

}  // namespace titrate::kernels
