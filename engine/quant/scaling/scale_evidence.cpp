#include "engine/quant/scaling/scale_evidence.hpp"

#include <algorithm>
#include <cmath>

namespace titrate::engine {
namespace {

// Sums over the weights of one channel: wanted (scaled as far as is known) and stored.
struct Sums {
  double wanted = 0;  // of squares
  double both = 0;    // of products
  double stored = 0;  // of squares
  double count = 0;

  void add(double want, double have) {
    wanted += want * want;
    both += want * have;
    stored += have * have;
    ++count;
  }
  [[nodiscard]] double rest() const { return wanted > 0 ? std::max(0.0, stored - both * both / wanted) : stored; }
};

// By channel; 1 for all where nothing is known.
std::vector<double> factors_of(std::span<const double> logs, std::int64_t channels, double sign) {
  std::vector<double> factors(static_cast<std::size_t>(channels), 1.0);
  for (std::size_t channel = 0; channel < logs.size(); ++channel) factors[channel] = std::exp(sign * logs[channel]);
  return factors;
}

// see(row, input channel, wanted, stored) for all weights.
template <class See>
void for_each_weight(const LayerWeights& weights, const See& see) {
  const std::int64_t channels = weights.columns / weights.taps;
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const std::int64_t first = row / (weights.rows / weights.groups) * channels;
    for (std::int64_t column = 0; column < weights.columns; ++column) {
      const auto place = static_cast<std::size_t>(weights.transposed ? column * weights.rows + row : row * weights.columns + column);
      see(row, first + column / weights.taps, static_cast<double>(weights.wanted[place]), static_cast<double>(weights.stored[place]));
    }
  }
}

// Least squares for each channel. The variance of a channel's weights is that of its own rest, with one more weight that has the mean rest,
// so that a channel of few weights is not thought exact by chance.
FactorEstimate estimate(const std::vector<Sums>& channels) {
  constexpr double float_rounding = 1e-14;  // relative, squared
  double rest = 0;
  double stored = 0;
  for (const Sums& each : channels) {
    rest += each.rest();
    stored += each.stored;
  }
  FactorEstimate result(channels.size());
  for (std::size_t channel = 0; channel < channels.size(); ++channel) {
    const Sums& sums = channels[channel];
    if (!(sums.both > 0)) continue;
    const double factor = sums.both / sums.wanted;
    const double variance = (sums.rest() + rest / stored * sums.stored / sums.count) / sums.count + float_rounding * sums.stored;
    result.add(channel, std::log(factor), factor * factor * sums.wanted / variance, sums.rest() / sums.stored);
  }
  return result;
}

// Rows that are large are rounded more coarsely: each counts by its own size.
std::vector<double> row_sizes(const LayerWeights& weights) {
  std::vector<double> squares(static_cast<std::size_t>(weights.rows));
  for_each_weight(weights,
                  [&](std::int64_t row, std::int64_t, double, double have) { squares[static_cast<std::size_t>(row)] += have * have; });
  for (double& square : squares) square = square > 0 ? std::sqrt(square) : 1;
  return squares;
}

}  // namespace

void FactorEstimate::add(std::size_t channel, double log, double precision, double doubt) {
  if (!(precision > 0) || !std::isfinite(log) || !std::isfinite(precision)) return;
  const double sum = precisions[channel] + precision;
  logs[channel] += (log - logs[channel]) * precision / sum;
  doubts[channel] += (doubt - doubts[channel]) * precision / sum;
  precisions[channel] = sum;
}

void FactorEstimate::add(const FactorEstimate& other) {
  for (std::size_t channel = 0; channel < logs.size(); ++channel)
    add(channel, other.logs[channel], other.precisions[channel], other.doubts[channel]);
}

bool FactorEstimate::knows_anything() const {
  return std::any_of(precisions.begin(), precisions.end(), [](double precision) { return precision > 0; });
}

FactorEstimate input_factors(const LayerWeights& weights, std::span<const double> outputs) {
  const std::vector<double> sizes = row_sizes(weights);
  const std::vector<double> divided = factors_of(outputs, weights.rows, -1);
  std::vector<Sums> channels(static_cast<std::size_t>(weights.input_channels()));
  for_each_weight(weights, [&](std::int64_t row, std::int64_t channel, double want, double have) {
    const double size = sizes[static_cast<std::size_t>(row)];
    channels[static_cast<std::size_t>(channel)].add(want * divided[static_cast<std::size_t>(row)] / size, have / size);
  });
  return estimate(channels);
}

FactorEstimate output_factors(const LayerWeights& weights, std::span<const double> inputs) {
  const std::vector<double> multiplied = factors_of(inputs, weights.input_channels(), 1);
  std::vector<Sums> channels(static_cast<std::size_t>(weights.rows));
  for_each_weight(weights, [&](std::int64_t row, std::int64_t channel, double want, double have) {
    channels[static_cast<std::size_t>(row)].add(want * multiplied[static_cast<std::size_t>(channel)], have);
  });
  FactorEstimate result = estimate(channels);
  for (double& log : result.logs) log = -log;
  return result;
}

}  // namespace titrate::engine
