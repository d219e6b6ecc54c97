// Affine codes of float32 numbers, and back: the formulas of ONNX's QuantizeLinear and DequantizeLinear for one scale.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

struct AffineCode {
  float scale;
  std::int32_t zero_point;
  std::int32_t lowest;  ///< codes saturate to [lowest, highest], which lie in [-32768, 65535]
  std::int32_t highest;
};

/// code = saturate(round_half_to_even(x / scale) + zero_point): a true float32 division; infinities saturate, NaN gives `lowest`, as ONNX
/// Runtime does on x86. Every variant gives the same codes.
template <class Code>
using Quantize = void (*)(const AffineCode&, const float* numbers, Code* codes, std::size_t count) noexcept;
/// x = (code - zero_point) * scale
template <class Code>
using Dequantize = void (*)(const AffineCode&, const Code* codes, float* numbers, std::size_t count) noexcept;

/// The same for groups of `group` neighbours (the last one may be shorter), each with its own scale and zero point; codes saturate to
/// [lowest, highest].
struct GroupedCode {
  const float* scales;
  const std::int32_t* zero_points;
  std::size_t group;
  std::int32_t lowest;
  std::int32_t highest;
};
using QuantizeGroups = void (*)(const GroupedCode&, const float* numbers, std::int16_t* codes, std::size_t count) noexcept;

struct QuantizeKernels {
  Quantize<std::uint8_t> to_u8;
  Quantize<std::int8_t> to_s8;
  Quantize<std::uint16_t> to_u16;
  Quantize<std::int16_t> to_s16;
  Dequantize<std::uint8_t> from_u8;
  Dequantize<std::int8_t> from_s8;
  Dequantize<std::uint16_t> from_u16;
  Dequantize<std::int16_t> from_s16;
  QuantizeGroups groups_to_s16;
};

/// Null where the build has no such instruction set.
extern const QuantizeKernels* const quantize_scalar;
extern const QuantizeKernels* const quantize_avx2;
extern const QuantizeKernels* const quantize_avx512;

[[nodiscard]] const QuantizeKernels& quantize_kernels(Isa isa);

}  // namespace titrate::kernels
