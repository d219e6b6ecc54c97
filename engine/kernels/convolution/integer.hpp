// Convolution of 8-bit codes, channels last: the product of the receptive fields, gathered a few rows at a time, with the filters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/convolution/geometry.hpp"
#include "engine/kernels/igemm/matrix.hpp"

namespace titrate::kernels {

/// For each group the filters as a right matrix: K = (tap, channel), N = filters.
class PackedCodeFilters {
 public:
  /// filters: [groups * filters, channels, kernel...] as ONNX lays them out; only geometry's groups, filters, channels and kernel count.
  PackedCodeFilters(const IgemmKernels& kernels, const ConvolutionGeometry& geometry, const std::uint8_t* filters, bool is_signed);
  [[nodiscard]] const std::vector<PackedCodes>& groups() const { return groups_; }

 private:
  std::vector<PackedCodes> groups_;
};

struct CodeImages {
  const std::uint8_t* codes;  ///< [batch, input..., groups * channels]
  bool is_signed;
  std::int32_t zero_point;  ///< what padding is filled with
};

/// Memory that convolve_codes() needs, in bytes.
[[nodiscard]] std::size_t convolution_scratch(const IgemmKernels& kernels, const ConvolutionGeometry& geometry,
                                              const PackedCodeFilters& filters);

/// Output [batch, output..., groups * filters]: output.stride is groups * filters, its multipliers and bias are one a filter of all groups.
/// `compensations`: one a group, from compensation() with the group's zero points and biases.
void convolve_codes(const IgemmKernels& kernels, const RequantizeKernels& requantize, const ConvolutionGeometry& geometry,
                    const PackedCodeFilters& filters, std::span<const Compensation> compensations, const CodeImages& images,
                    const SumsOutput& output, std::byte* scratch);

}  // namespace titrate::kernels
