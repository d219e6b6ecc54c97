// Weights in panels of 64 columns, made once when a node is prepared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/nbits_gemm/nbits_gemm.hpp"

namespace titrate::kernels {

/// What com.microsoft.MatMulNBits stores: one row for each column of the product, blocks along K.
struct NBitsSource {
  int bits;                   ///< 2, 4 or 8
  std::size_t depth;          ///< K
  std::size_t columns;        ///< N
  std::size_t block;          ///< a power of two of at least 16
  const std::uint8_t* codes;  ///< [N, ceil(K / block), block * bits / 8], the first code in the lowest bits
  const float* scales;        ///< [N, ceil(K / block)]
  /// One of these, or none: then 2^(bits - 1) is the zero point of all.
  const std::uint8_t* zero_point_codes = nullptr;  ///< [N, ceil(ceil(K / block) * bits / 8)]
  const float* zero_points = nullptr;              ///< [N, ceil(K / block)]
};

class NBitsWeights {
 public:
  explicit NBitsWeights(const NBitsSource& source);

  [[nodiscard]] int bits() const { return bits_; }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t block() const { return block_; }
  [[nodiscard]] std::size_t blocks() const { return (depth_ + block_ - 1) / block_; }
  [[nodiscard]] std::size_t panels() const { return (columns_ + nbits_panel_columns - 1) / nbits_panel_columns; }
  [[nodiscard]] NBitsPanel panel(std::size_t index) const;
  /// Of everything that a product reads.
  [[nodiscard]] std::size_t bytes() const;

 private:
  void pack_words(const NBitsSource& source, std::size_t panel);
  void pack_scales(const NBitsSource& source, std::size_t panel);

  int bits_;
  std::size_t depth_, columns_, block_;
  float zero_point_ = 0;
  std::vector<std::uint32_t> words_;
  std::vector<float> scales_;
  std::vector<float> zero_points_;  // empty: all are zero_point_
};

}  // namespace titrate::kernels
