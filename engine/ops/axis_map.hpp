// Copies elements where each axis of the target has a table of source positions: padding, nearest-neighbour resizing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/ops/strided_copy.hpp"

namespace titrate::engine::ops {

/// For each position of a target axis the position of the source axis, or -1: not from the source, but the fill value.
using AxisMap = std::vector<std::int64_t>;

/// Positions of an axis that follow each other in source and target, or that are all fill values.
struct AxisRun {
  std::int64_t target = 0;
  std::int64_t source = -1;
  std::int64_t length = 0;
};

[[nodiscard]] inline std::vector<AxisRun> runs_of(const AxisMap& map) {
  std::vector<AxisRun> runs;
  for (std::size_t position = 0; position < map.size(); ++position) {
    const bool goes_on =
        !runs.empty() &&
        (map[position] < 0 ? runs.back().source < 0 : runs.back().source >= 0 && map[position] == runs.back().source + runs.back().length);
    if (goes_on) {
      ++runs.back().length;
    } else {
      runs.push_back({.target = static_cast<std::int64_t>(position), .source = map[position], .length = 1});
    }
  }
  return runs;
}

/// target[i0, i1, ...] = source[maps[0][i0], maps[1][i1], ...], or `fill` where one of them is -1. Maps have one entry for each position
/// of the target's axes and stay inside the source's.
template <class Word>
class AxisMapCopy {
 public:
  AxisMapCopy(const Word* source, const Shape& source_shape, std::span<const AxisMap> maps, const Word& fill)
      : source_(source), strides_(strides_of(source_shape)), maps_(maps), fill_(fill) {
    std::vector<std::int64_t> sizes;
    for (const AxisMap& map : maps) sizes.push_back(static_cast<std::int64_t>(map.size()));
    target_strides_ = strides_of(sizes);
    if (!maps.empty()) last_ = runs_of(maps.back());
  }

  /// On several threads where there are at least three axes.
  void to(Word* target) const {
    if (maps_.empty()) {
      *target = *source_;
    } else if (maps_.size() < 3) {
      copy(0, 0, target);
    } else {
      const kernels::OneThread alone(!may_share<Word>);
      kernels::parallel_for(maps_[0].size() * maps_[1].size(), [&](std::size_t index, std::size_t) { copy_plane_at(index, target); });
    }
  }

 private:
  // What lies at one position of the first two axes; `index` counts them.
  void copy_plane_at(std::size_t index, Word* target) const {
    const std::int64_t first = maps_[0][index / maps_[1].size()];
    const std::int64_t second = maps_[1][index % maps_[1].size()];
    target += static_cast<std::int64_t>(index) * target_strides_[1];
    if (first < 0 || second < 0) {
      std::fill_n(target, target_strides_[1], fill_);
    } else {
      copy(2, first * strides_[0] + second * strides_[1], target);
    }
  }

  void copy(std::size_t axis, std::int64_t offset, Word* target) const {
    if (axis + 1 == maps_.size()) return copy_last(offset, target);
    std::int64_t before = -1;
    for (const std::int64_t position : maps_[axis]) {
      if (position < 0) {
        std::fill_n(target, target_strides_[axis], fill_);
      } else if (position == before) {
        std::copy_n(target - target_strides_[axis], target_strides_[axis], target);  // enlarged: the same once more
      } else {
        copy(axis + 1, offset + position * strides_[axis], target);
      }
      before = position;
      target += target_strides_[axis];
    }
  }

  void copy_last(std::int64_t offset, Word* target) const {
    for (const AxisRun& run : last_) {
      if (run.source < 0) {
        std::fill_n(target + run.target, run.length, fill_);
      } else if (run.length == 1) {
        target[run.target] = source_[offset + run.source];
      } else {
        std::copy_n(source_ + offset + run.source, run.length, target + run.target);
      }
    }
  }

  const Word* source_;
  std::vector<std::int64_t> strides_;
  std::span<const AxisMap> maps_;
  Word fill_;
  std::vector<std::int64_t> target_strides_;
  std::vector<AxisRun> last_;
};

}  // namespace titrate::engine::ops
