// The float32 depthwise kernels: one channel, a filter of a few taps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// outputs[j] = start + sum over t of weights[t] * image[offsets[t] + j] for 0 <= j < count, summed in the order of t. May read 16 floats
/// behind the last one it needs.
using DepthwiseRun = void (*)(const float* image, const std::int32_t* offsets, const float* weights, std::size_t taps, float start,
                              float* outputs, std::size_t count) noexcept;

/// One channel of an image under a square filter, K taps a side and S outputs apart, both fixed by the function that is called.
struct DepthwisePlane {
  const float* image;  ///< [rows, columns]
  std::size_t rows;
  std::size_t columns;
  std::size_t pad_top;  ///< zeros in front; what is behind follows from the outputs' sizes
  std::size_t pad_left;
  const float* weights;  ///< [K, K]
  float start;
  const float* bounds;  ///< two: what is stored is min(max(sum, bounds[0]), bounds[1]), NaN stays NaN; or null
  float* outputs;       ///< [output_rows, output_columns]
  std::size_t output_rows;
  std::size_t output_columns;
  float* padded;  ///< padded_plane_size() floats that hold zeros, or what another plane of the same sizes left there
};

/// outputs[h][w] = start + sum over taps of weights[i][j] * image[h * S + i - pad_top][w * S + j - pad_left], row by row: the sums of
/// DepthwiseRun, the padding's zeros included.
using DepthwisePlaneRun = void (*)(const DepthwisePlane&) noexcept;

/// The padded rows of a plane. With S = 2 a row is its even columns, then its odd ones, so that the neighbours of a tap stay neighbours.
struct PaddedRows {
  std::size_t count;
  std::size_t part;   ///< columns of one parity
  std::size_t pitch;  ///< from row to row
  [[gnu::always_inline]] PaddedRows(std::size_t output_rows, std::size_t output_columns, std::size_t taps, std::size_t stride)
      : count((output_rows - 1) * stride + taps), part(output_columns + (taps - 1) / stride), pitch(part * stride) {}
};

/// In floats, with what whole registers read behind the last row.
[[nodiscard, gnu::always_inline]] inline std::size_t padded_plane_size(const PaddedRows& rows) {
  return (rows.count * rows.pitch + 32 + 15) / 16 * 16;
}

/// Up to `lanes` channels of an image under filters of their own, K taps a side and S outputs apart. Image and outputs have at least
/// `lanes` pixels.
struct DepthwiseChannels {
  std::size_t channels;
  const float* image;  ///< [channels, rows, columns]
  std::size_t rows;
  std::size_t columns;
  std::size_t pad_top;  ///< zeros in front; what is behind follows from the outputs' sizes
  std::size_t pad_left;
  const float* weights;  ///< [channels, K, K]
  const float* start;    ///< one a channel, or null: 0
  const float* bounds;   ///< as of DepthwisePlane
  float* outputs;        ///< [channels, output_rows, output_columns]
  std::size_t output_rows;
  std::size_t output_columns;
  float* padded;  ///< padded_channels_size() floats that hold zeros, or what other channels of the same sizes left there
};

/// The sums of DepthwisePlaneRun, bit for bit, with a register for each pixel: for planes of which rows fill few registers.
using DepthwiseChannelsRun = void (*)(const DepthwiseChannels&) noexcept;

/// The padded image of DepthwiseChannels, in pixels.
struct PaddedChannels {
  std::size_t rows;
  std::size_t pitch;
  [[gnu::always_inline]] PaddedChannels(const DepthwiseChannels& work, std::size_t taps, std::size_t stride)
      : rows(larger((work.output_rows - 1) * stride + taps, work.pad_top + work.rows)),
        pitch(larger((work.output_columns - 1) * stride + taps, work.pad_left + work.columns)) {}

 private:
  [[gnu::always_inline]] static std::size_t larger(std::size_t a, std::size_t b) { return a < b ? b : a; }
};

/// In floats: the padded image and the finished outputs.
[[nodiscard, gnu::always_inline]] inline std::size_t padded_channels_size(const DepthwiseChannels& work, const PaddedChannels& padded,
                                                                          std::size_t lanes) {
  return (padded.rows * padded.pitch + work.output_rows * work.output_columns) * lanes;
}

struct DepthwiseKernel {
  DepthwiseRun run;
  DepthwisePlaneRun planes[2][2];       ///< [K == 5][S - 1], K = 3 or 5, S = 1 or 2
  std::size_t lanes;                    ///< of DepthwiseChannels
  DepthwiseChannelsRun channels[2][2];  ///< as planes
};

/// Null where the build has no such instruction set.
extern const DepthwiseKernel* const depthwise_scalar;
extern const DepthwiseKernel* const depthwise_avx2;
extern const DepthwiseKernel* const depthwise_avx512;

[[nodiscard]] DepthwiseKernel depthwise_kernel(Isa isa);

}  // namespace titrate::kernels
