// Images in blocks of channels: [N, ceil(C / lanes), H, W, lanes]. A pixel of a block is one register, so a kernel that treats channels
// alike reads whole registers wherever it begins. The channels behind the last one hold anything finite.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// planes: [N, C, H, W]; blocks: [N, ceil(C / lanes), H, W, lanes].
enum class ImageOrder { planes, blocks };

/// Channels of a block: as many floats as a register of the level holds, and 8 without any.
[[nodiscard]] constexpr std::size_t channel_lanes(Isa isa) { return isa >= Isa::avx512 ? 16 : 8; }

[[nodiscard]] constexpr std::size_t block_count(std::size_t channels, std::size_t lanes) { return (channels + lanes - 1) / lanes; }

}  // namespace titrate::kernels
