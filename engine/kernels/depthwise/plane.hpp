// A whole plane as a template; see depthwise.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/depthwise/depthwise.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// Rows are copied a few before they are read: a load that straddles two stores waits until both have left for the cache.
constexpr std::size_t rows_ahead = 4;

template <int W, int K>
struct PlaneFilter {
  FloatLanes<W> weights[K * K];
  FloatLanes<W> start;
  FloatLanes<W> low;
  FloatLanes<W> high;

  explicit PlaneFilter(const DepthwisePlane& plane)
      : start(broadcast<W>(plane.start)),
        low(broadcast<W>(plane.bounds != nullptr ? plane.bounds[0] : -__builtin_inff())),
        high(broadcast<W>(plane.bounds != nullptr ? plane.bounds[1] : __builtin_inff())) {
#pragma GCC unroll 25
    for (int tap = 0; tap < K * K; ++tap) weights[tap] = broadcast<W>(plane.weights[tap]);
  }
};

// V registers of neighbouring outputs; `source` is where the first tap of the first one reads.
template <int W, int K, int S, int V>
[[gnu::always_inline]] inline void plane_chunk(const PlaneFilter<W, K>& filter, const float* source, const PaddedRows& rows,
                                               float* outputs) {
  FloatLanes<W> sums[V];
#pragma GCC unroll 4
  for (int part = 0; part < V; ++part) sums[part] = filter.start;
#pragma GCC unroll 5
  for (int i = 0; i < K; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < K; ++j) {
      const float* tap = source + static_cast<std::size_t>(j % S) * rows.part + j / S;
#pragma GCC unroll 4
      for (int part = 0; part < V; ++part) {
        sums[part] = multiply_add<W>(filter.weights[i * K + j], load<W>(tap + part * W), sums[part]);
      }
    }
    source += rows.pitch;
  }
#pragma GCC unroll 4
  for (int part = 0; part < V; ++part) {
    store<W>(outputs + part * W, at_most<W>(at_least<W>(sums[part], filter.low), filter.high));
  }
}

// The last register of a row lies over a part of the one before. A row shorter than a register is written with what lies behind it, which
// the next row replaces, unless that is behind the plane.
template <int W, int K, int S>
[[gnu::always_inline]] inline void plane_row(const PlaneFilter<W, K>& filter, const float* source, const PaddedRows& rows, float* outputs,
                                             std::size_t count, const float* end) {
  if (count >= W) {
    std::size_t done = 0;
    for (; done + 4 * W <= count; done += 4 * W) plane_chunk<W, K, S, 4>(filter, source + done, rows, outputs + done);
    if (done + 2 * W <= count) {
      plane_chunk<W, K, S, 2>(filter, source + done, rows, outputs + done);
      done += 2 * W;
    }
    if (done + W <= count) {
      plane_chunk<W, K, S, 1>(filter, source + done, rows, outputs + done);
      done += W;
    }
    if (done < count) plane_chunk<W, K, S, 1>(filter, source + count - W, rows, outputs + count - W);
  } else if (outputs + W <= end) {
    plane_chunk<W, K, S, 1>(filter, source, rows, outputs);
  } else {
    float rest[W];
    plane_chunk<W, K, S, 1>(filter, source, rows, rest);
    for (std::size_t j = 0; j < count; ++j) outputs[j] = rest[j];
  }
}

template <int W, int S>
[[gnu::always_inline]] inline void pad_row(const DepthwisePlane& plane, const PaddedRows& rows, std::size_t row) {
  if (row < plane.pad_top || row - plane.pad_top >= plane.rows || plane.pad_left >= rows.pitch) return;
  const std::size_t room = rows.pitch - plane.pad_left;
  const std::size_t count = plane.columns < room ? plane.columns : room;
  const float* source = plane.image + (row - plane.pad_top) * plane.columns;
  float* target = plane.padded + row * rows.pitch;
  if constexpr (S == 1) {
    copy_floats<W>(source, target + plane.pad_left, count);
  } else {
    const std::size_t odd = plane.pad_left % 2;  // the parity of the column where the image begins
    float* even_target = target + odd * rows.part + plane.pad_left / 2;
    float* odd_target = target + (1 - odd) * rows.part + (plane.pad_left + 1) / 2;
    split_floats<W>(source, even_target, odd_target, count);
  }
}

template <int W, int K, int S>
void depthwise_plane(const DepthwisePlane& plane) noexcept {
  const PaddedRows rows(plane.output_rows, plane.output_columns, K, S);
  const PlaneFilter<W, K> filter(plane);
  const float* end = plane.outputs + plane.output_rows * plane.output_columns;
  std::size_t padded = 0;
  for (std::size_t row = 0; row < plane.output_rows; ++row) {
    const std::size_t wanted = row * S + K + rows_ahead;
    for (const std::size_t stop = wanted < rows.count ? wanted : rows.count; padded < stop; ++padded) pad_row<W, S>(plane, rows, padded);
    plane_row<W, K, S>(filter, plane.padded + row * S * rows.pitch, rows, plane.outputs + row * plane.output_columns, plane.output_columns,
                       end);
  }
}

}  // namespace
}  // namespace titrate::kernels
