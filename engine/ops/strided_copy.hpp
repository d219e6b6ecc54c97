// Copies elements from where strides say to a row-major target: transposing, slicing, expanding.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/ops/strided_loops.hpp"

namespace titrate::engine::ops {

/// Strings may fail to be copied, and what threads share must not throw.
template <class Word>
inline constexpr bool may_share = std::is_trivially_copyable_v<Word>;

/// A square block whose lines stay in the cache while they are read across.
inline constexpr std::int64_t transpose_block = 16;

/// target[row][column] = source[row * by_row + column * by_column] for rows [first, last), block by block. A function of values: bytes that
/// are stored could be anything that a lambda refers to, and it would be read again for each.
template <class Word>
void copy_rows_across(const Word* source, std::int64_t by_row, std::int64_t by_column, Word* target, std::int64_t target_row,
                      std::int64_t first, std::int64_t last, std::int64_t columns) {
  for (std::int64_t row = first; row < last; row += transpose_block) {
    const std::int64_t row_end = std::min(last, row + transpose_block);
    for (std::int64_t column = 0; column < columns; column += transpose_block) {
      const std::int64_t column_end = std::min(columns, column + transpose_block);
      for (std::int64_t y = row; y < row_end; ++y) {
        for (std::int64_t x = column; x < column_end; ++x) target[y * target_row + x] = source[y * by_row + x * by_column];
      }
    }
  }
}

/// The same for all rows; shared between threads.
template <class Word>
void copy_plane(const Word* source, std::int64_t by_row, std::int64_t by_column, Word* target, std::int64_t target_row, std::int64_t rows,
                std::int64_t columns) {
  if (!may_share<Word> || rows * columns <= shared_piece || kernels::thread_count() == 1) {
    copy_rows_across(source, by_row, by_column, target, target_row, 0, rows, columns);
    return;
  }
  const std::int64_t together = std::max<std::int64_t>(1, shared_piece / columns / transpose_block) * transpose_block;
  kernels::parallel_for(static_cast<std::size_t>((rows + together - 1) / together), [&](std::size_t index, std::size_t) {
    const std::int64_t first = static_cast<std::int64_t>(index) * together;
    copy_rows_across(source, by_row, by_column, target, target_row, first, std::min(rows, first + together), columns);
  });
}

/// One row: a copy, one element many times, or every so-many-th element.
template <class Word>
void copy_row(const Word* source, std::int64_t stride, Word* target, std::int64_t count) {
  if (stride == 1) {
    std::copy_n(source, count, target);
  } else if (stride == 0) {
    std::fill_n(target, count, *source);
  } else {
    for (std::int64_t index = 0; index < count; ++index) target[index] = source[index * stride];
  }
}

/// Fills `target`, row-major of the shape `sizes`, on several threads; the element at an index is source[sum of index * strides].
template <class Word>
void strided_copy(const Word* source, std::span<const std::int64_t> sizes, std::vector<std::int64_t> strides, Word* target) {
  StridedLoops loops(sizes, {strides_of(sizes), std::move(strides)});
  // Where the source runs on along another loop than the innermost, planes of the two are copied in blocks.
  const std::size_t inner = loops.sizes.size() - 1;
  const auto runs_on = std::find(loops.strides[1].begin(), loops.strides[1].end(), 1);
  const auto across = static_cast<std::size_t>(runs_on - loops.strides[1].begin());
  if (loops.inner_stride(1) <= 1 || across >= inner) {
    const kernels::OneThread alone(!may_share<Word>);
    share_parts(loops, [&](std::span<const std::int64_t> at, std::int64_t count) {
      copy_row(source + at[1], loops.inner_stride(1), target + at[0], count);
    });
    return;
  }
  const std::int64_t rows = loops.sizes[across], columns = loops.sizes[inner];
  const std::int64_t target_row = loops.strides[0][across], by_column = loops.strides[1][inner];
  StridedLoops planes = loops;
  for (const std::size_t loop : {inner, across}) {
    planes.sizes.erase(planes.sizes.begin() + static_cast<std::ptrdiff_t>(loop));
    for (auto& one : planes.strides) one.erase(one.begin() + static_cast<std::ptrdiff_t>(loop));
  }
  planes.sizes.push_back(1);
  for (auto& one : planes.strides) one.push_back(1);
  if (loops.empty()) return;
  const kernels::OneThread alone(!may_share<Word>);
  share_rows(planes, rows * columns, [&](std::span<const std::int64_t> at) {
    copy_plane(source + at[1], 1, by_column, target + at[0], target_row, rows, columns);
  });
}

}  // namespace titrate::engine::ops
