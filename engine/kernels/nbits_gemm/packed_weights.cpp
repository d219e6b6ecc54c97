#include "engine/kernels/nbits_gemm/packed_weights.hpp"

#include <algorithm>
#include <cstring>

#include "engine/kernels/threads.hpp"

namespace titrate::kernels {
namespace {

std::size_t words_of(int bits, std::size_t codes) { return (codes * static_cast<std::size_t>(bits) + 31) / 32; }

float zero_point_at(const NBitsSource& source, std::size_t column, std::size_t block, std::size_t blocks) {
  if (source.zero_points != nullptr) return source.zero_points[column * blocks + block];
  const auto bits = static_cast<std::size_t>(source.bits);
  if (source.zero_point_codes == nullptr) return static_cast<float>(1U << (bits - 1));
  const std::size_t row_bytes = (blocks * bits + 7) / 8;
  const unsigned byte = source.zero_point_codes[column * row_bytes + block * bits / 8];
  return static_cast<float>((byte >> (block * bits % 8)) & ((1U << bits) - 1U));
}

}  // namespace

NBitsWeights::NBitsWeights(const NBitsSource& source)
    : bits_(source.bits),
      depth_(source.depth),
      columns_(source.columns),
      block_(source.block),
      zero_point_(zero_point_at(source, 0, 0, blocks())),
      words_(panels() * words_of(bits_, depth_) * nbits_panel_columns),
      scales_(panels() * blocks() * nbits_panel_columns) {
  bool uniform = zero_point_ >= 0 && zero_point_ == static_cast<float>(static_cast<int>(std::min(zero_point_, 255.0F)));
  for (std::size_t column = 0; uniform && column < columns_; ++column) {
    for (std::size_t block = 0; uniform && block < blocks(); ++block)
      uniform = zero_point_at(source, column, block, blocks()) == zero_point_;
  }
  if (!uniform) zero_points_.resize(scales_.size());
  parallel_for(panels(), [&](std::size_t panel, std::size_t) {
    pack_words(source, panel);
    pack_scales(source, panel);
  });
}

void NBitsWeights::pack_words(const NBitsSource& source, std::size_t panel) {
  constexpr std::size_t line = 16;  // words of a row at a time: a cache line
  const std::size_t count = words_of(bits_, depth_);
  const std::size_t row_bytes = blocks() * block_ * static_cast<std::size_t>(bits_) / 8;
  const std::size_t first = panel * nbits_panel_columns;
  const std::size_t present = std::min(nbits_panel_columns, columns_ - first);
  std::uint32_t* target = words_.data() + panel * count * nbits_panel_columns;
  for (std::size_t word = 0; word < count; word += line) {
    const std::size_t here = std::min(line, count - word);
    for (std::size_t column = 0; column < present; ++column) {
      std::uint32_t words[line];
      std::memcpy(words, source.codes + (first + column) * row_bytes + word * 4, here * 4);
      for (std::size_t i = 0; i < here; ++i) target[(word + i) * nbits_panel_columns + column] = words[i];
    }
  }
}

void NBitsWeights::pack_scales(const NBitsSource& source, std::size_t panel) {
  const std::size_t first = panel * nbits_panel_columns;
  const std::size_t present = std::min(nbits_panel_columns, columns_ - first);
  for (std::size_t block = 0; block < blocks(); ++block) {
    const std::size_t at = (panel * blocks() + block) * nbits_panel_columns;
    for (std::size_t column = 0; column < present; ++column) {
      scales_[at + column] = source.scales[(first + column) * blocks() + block];
      if (!zero_points_.empty()) zero_points_[at + column] = zero_point_at(source, first + column, block, blocks());
    }
  }
}

NBitsPanel NBitsWeights::panel(std::size_t index) const {
  const std::size_t scales = index * blocks() * nbits_panel_columns;
  return {.bits = bits_,
          .depth = depth_,
          .block = block_,
          .words = words_.data() + index * words_of(bits_, depth_) * nbits_panel_columns,
          .scales = scales_.data() + scales,
          .zero_points = zero_points_.empty() ? nullptr : zero_points_.data() + scales,
          .zero_point = zero_point_};
}

std::size_t NBitsWeights::bytes() const { return (words_.size() + scales_.size() + zero_points_.size()) * 4; }

}  // namespace titrate::kernels
