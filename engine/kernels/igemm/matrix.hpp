// Products of 8-bit matrices from tiles: packing, zero points, what becomes of the sums, threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/igemm/igemm.hpp"
#include "engine/kernels/requantize/requantize.hpp"

namespace titrate::kernels {

/// A signed code and the unsigned one with the same bits but the highest differ by 128, and so do their zero points: tiles take u8 rows and
/// s8 columns, whatever the codes are.
inline constexpr std::int32_t sign_shift = 128;

/// The right matrix [K, N]: element (k, n) is at k * row_stride + n * column_stride.
struct CodeMatrix {
  const std::uint8_t* codes;
  bool is_signed;
  std::size_t rows, columns;
  std::size_t row_stride, column_stride;
};

/// The right matrix in panels of the variant's columns, as s8 and filled up with zeros, and the sums of its columns.
class PackedCodes {
 public:
  PackedCodes(const IgemmKernels& kernels, const CodeMatrix& matrix);

  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t padded_depth() const { return padded_depth_; }
  [[nodiscard]] std::size_t padded_columns() const { return sums_.size(); }
  [[nodiscard]] bool was_signed() const { return was_signed_; }
  /// From column `first` on, a multiple of the variant's columns.
  [[nodiscard]] const std::int8_t* panel(std::size_t first) const { return lines_.data()->bytes + first * padded_depth_; }
  /// For each (padded) column the sum of its s8 codes.
  [[nodiscard]] std::span<const std::int32_t> sums() const { return sums_; }

 private:
  struct alignas(64) Line {
    std::int8_t bytes[64];
  };
  std::size_t depth_, columns_, padded_depth_;
  bool was_signed_;
  std::vector<Line> lines_;
  std::vector<std::int32_t> sums_;
};

/// What zero points and an int32 bias amount to: sum (a - a_zero) * (b - b_zero) + bias = sum a' * b' + start[n] - column_zero[n] * (sum of
/// a') in the codes a', b' of the tiles.
struct Compensation {
  std::vector<std::int32_t> start;        ///< one a padded column
  std::vector<std::int32_t> column_zero;  ///< one a padded column; empty: all zero
};
/// b_zero: one zero point, or one a column; bias: one a column, or none. Zero points as the operator states them.
[[nodiscard]] Compensation compensation(const PackedCodes& b, bool a_is_signed, std::int32_t a_zero, std::span<const std::int32_t> b_zero,
                                        std::span<const std::int32_t> bias);

/// Where the rows of the left matrix come from.
struct LeftRows {
  /// Writes rows [first, first + count), K codes each, `pitch` bytes apart.
  void (*gather)(const void* source, std::size_t first, std::size_t count, std::uint8_t* target, std::size_t pitch) noexcept;
  const void* source;
  bool is_signed;
  const std::uint8_t* direct = nullptr;  ///< the rows lie in memory as they are, `direct_stride` bytes apart; null: only gather knows
  std::size_t direct_stride = 0;
};

/// Rows of a matrix in memory, for LeftRows: element (m, k) is at m * row_stride + k * column_stride.
struct StridedRows {
  const std::uint8_t* codes;
  std::size_t depth, row_stride, column_stride;

  [[nodiscard]] LeftRows rows(bool is_signed) const;
};

/// What the sums become, and where they go: row m begins at element m * stride.
struct SumsOutput {
  enum class Form : std::uint8_t { sums, u8, s8, numbers };
  Form form;
  void* target;
  std::size_t stride;
  const float* multipliers = nullptr;  ///< one a column; not for sums
  const float* bias = nullptr;         ///< one a column, for numbers; or null
  std::int32_t zero_point = 0;         ///< for codes
};

struct CodeProduct {
  std::size_t rows;
  LeftRows a;
  const PackedCodes& b;
  const Compensation& compensation;
  SumsOutput output;
};

/// Memory that multiply_codes() needs, in bytes; it should begin on 64.
[[nodiscard]] std::size_t product_scratch(const IgemmKernels& kernels, std::size_t rows, const PackedCodes& b);
/// Uses threads, unless it is called from a parallel region.
void multiply_codes(const IgemmKernels& kernels, const RequantizeKernels& requantize, const CodeProduct& product, std::byte* scratch);

}  // namespace titrate::kernels
