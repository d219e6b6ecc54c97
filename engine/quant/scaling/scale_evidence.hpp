// What constants say of the factors by which channels were scaled before they were quantized: the same constants before and after, with
// rounding between (algorithms B2, B3).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace titrate::engine {

/// For each channel ln(factor), known with a precision of 1 / variance; 0: nothing is known. `doubts`: what rounding left unexplained, as a
/// part of the channel's squares: coarse rounding shrinks small weights, so that factors may be off by as much in one direction.
struct FactorEstimate {
  std::vector<double> logs;
  std::vector<double> precisions;
  std::vector<double> doubts;

  explicit FactorEstimate(std::size_t channels = 0) : logs(channels), precisions(channels), doubts(channels) {}
  /// Takes in another estimate of the channel: the mean, weighted by precision.
  void add(std::size_t channel, double log, double precision, double doubt = 0);
  void add(const FactorEstimate& other);
  [[nodiscard]] bool knows_anything() const;
};

/// A layer's weights, [rows, columns] with one row an output channel, in the float model and as the quantized model computes with them:
/// stored ~ wanted * factor of the input channel / factor of the output channel.
struct LayerWeights {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t groups = 1;  ///< of a convolution
  std::int64_t taps = 1;    ///< columns of one input channel
  bool transposed = false;  ///< the spans hold [columns, rows]
  std::span<const float> wanted;
  std::span<const float> stored;

  [[nodiscard]] std::int64_t input_channels() const { return groups * columns / taps; }
};

/// Factors of the input channels by least squares, where ln(factor) of the output channels is `outputs` (empty: all 0).
[[nodiscard]] FactorEstimate input_factors(const LayerWeights& weights, std::span<const double> outputs);
/// Factors of the output channels, where ln(factor) of the input channels is `inputs` (empty: all 0).
[[nodiscard]] FactorEstimate output_factors(const LayerWeights& weights, std::span<const double> inputs);

}  // namespace titrate::engine
