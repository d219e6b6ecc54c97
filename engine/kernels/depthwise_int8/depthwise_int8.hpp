// The 8-bit depthwise kernel, channels last: a block of 16 channels of the outputs of one image row, from image rows that were expanded
// into pairs of taps before. Sums are exact in int32 (modulo 2^32), so every variant gives the same codes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

inline constexpr std::size_t depthwise_block = 16;                      ///< channels
inline constexpr std::size_t depthwise_position = 2 * depthwise_block;  ///< int16 numbers of an expanded position

/// How an image row is expanded: position p gets, for each channel c of the block, the codes of the pixels q and q + apart side by side as
/// int16, with q = first + p * step. Pixels outside the row count as padding.
struct DepthwiseExpansion {
  std::ptrdiff_t pixels;      ///< in the row
  std::ptrdiff_t pixel_step;  ///< elements from one pixel to the next
  std::ptrdiff_t first;
  std::ptrdiff_t step;
  std::ptrdiff_t apart;
  std::ptrdiff_t positions;
  std::int32_t padding;  ///< the code that stands for it
  std::size_t channels;  ///< of the block that there are, the first ones of 16; the others become 0
};

/// A row of outputs: the sum over rows of taps and pairs of taps, plus `start`, times the multiplier, rounded and saturated as
/// requantize.hpp says.
struct DepthwiseOutputs {
  const std::int16_t* const* rows;  ///< the expanded image row for each row of taps
  std::size_t tap_rows;
  std::size_t pairs;            ///< in a row of taps
  std::ptrdiff_t pair_step;     ///< positions from one pair of taps to the next
  std::ptrdiff_t output_step;   ///< positions from one output to the next
  const std::int16_t* weights;  ///< [tap row][pair][channel of the block][2], aligned to 64 bytes
  const std::int32_t* start;    ///< [channel of the block]
  const float* multipliers;     ///< [channel of the block]
  std::int32_t zero_point;      ///< of the outputs
  std::size_t outputs;
  std::ptrdiff_t pixel_step;  ///< elements from one output to the next
  std::size_t first_stored;   ///< channel of the block
  std::size_t stored;         ///< how many channels from it on are written
};

template <class Code>
using ExpandDepthwise = void (*)(const DepthwiseExpansion&, const Code* row, std::int16_t* target) noexcept;
/// `target`: where channel 0 of the block goes, stored or not.
template <class Code>
using RunDepthwise = void (*)(const DepthwiseOutputs&, Code* target) noexcept;

struct DepthwiseInt8Kernels {
  ExpandDepthwise<std::uint8_t> expand_u8;
  ExpandDepthwise<std::int8_t> expand_s8;
  RunDepthwise<std::uint8_t> to_u8;
  RunDepthwise<std::int8_t> to_s8;
};

/// Null where the build has no such instruction set.
extern const DepthwiseInt8Kernels* const depthwise_int8_scalar;
extern const DepthwiseInt8Kernels* const depthwise_int8_avx2;
extern const DepthwiseInt8Kernels* const depthwise_int8_avx512;

[[nodiscard]] const DepthwiseInt8Kernels& depthwise_int8_kernels(Isa isa);

}  // namespace titrate::kernels
