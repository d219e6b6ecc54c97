#include "engine/quant/stages/scheme_rounding.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/float8.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/formats/mx.hpp"
#include "engine/quant/formats/nf4.hpp"
#include "engine/quant/formats/nvfp4.hpp"
#include "engine/quant/integer_weights.hpp"
#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {
namespace {

void round_to(std::span<float> numbers, const AffineParameters& parameters, IntegerRange range) {
  for (float& number : numbers) number = dequantize(quantize(number, parameters, range), parameters);
}

void round_to(std::span<float> numbers, const SmallFloat& format, float largest) {
  const float scale = symmetric_parameters(largest / format.largest, 1).scale;
  for (float& number : numbers) number = decode(format, encode(format, number / scale)) * scale;
}

float largest_of(std::span<const float> numbers) {
  float largest = 0;
  for (const float number : numbers) largest = std::max(largest, std::fabs(number));
  return largest;
}

const SmallFloat& format_of(const Fp8Scheme& scheme) {
  if (scheme.format == Float8Format::e5m2) return float8e5m2;
  return scheme.format == Float8Format::e4m3 ? float8e4m3fn : float8e3m4fn;
}

void take(WeightMatrix& weights, const QuantizedMatrix& quantized) {
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column)
      weights.elements[static_cast<std::size_t>(row * weights.columns + column)] = quantized.dequantized(row, column);
  }
}

// One overload a scheme whose weights are not integers on a grid of its own solver.
class WeightRounder {
 public:
  explicit WeightRounder(WeightMatrix& weights) : weights_(weights) {}

  void operator()(const StaticInt8Scheme& scheme) const {
    take(weights_,
         quantize_integer_weights(
             weights_,
             {.per_channel = scheme.per_channel, .symmetric = scheme.weight_sym, .reduce_range = scheme.reduce_range, .least_scales = {}}));
  }
  void operator()(const DynamicInt8Scheme& scheme) const {
    take(weights_,
         quantize_integer_weights(
             weights_, {.per_channel = scheme.per_channel, .symmetric = scheme.weight_sym, .reduce_range = false, .least_scales = {}}));
  }
  void operator()(const Fp8Scheme& scheme) const {
    const std::size_t unit = scheme.per_channel ? static_cast<std::size_t>(weights_.columns) : weights_.elements.size();
    for (std::size_t begin = 0; begin < weights_.elements.size(); begin += unit) {
      const auto own = std::span(weights_.elements).subspan(begin, unit);
      round_to(own, format_of(scheme), largest_of(own));
    }
  }
  void operator()(const MxScheme& scheme) const {
    const MxElement& element = mx_element(scheme.format);
    weights_.elements = dequantized(quantize_mx(weights_, element, scheme.rule), element);
  }
  void operator()(const Nvfp4Scheme& scheme) const {
    weights_.elements = dequantized(quantize_nvfp4(weights_, scheme.rule == Nvfp4Rule::best));
  }
  void operator()(const Nf4Scheme& scheme) const { weights_.elements = dequantized(quantize_nf4(weights_, scheme.group_size)); }
  void operator()(const auto& scheme) const {
    const Scheme own = implementation_of(scheme).effective(scheme, weights_.columns);
    if (const WeightSolver* solver = implementation_of(own).solver; solver != nullptr)
      take(weights_, quantize_weights(weights_, solver->grid(own)));
  }

 private:
  WeightMatrix& weights_;
};

ValueRange calibrated(std::span<const float> numbers, CalibratorKind kind, const CalibrationRequest& request) {
  ValueStatistics statistics;
  statistics.add(extent_of(numbers));
  if (calibrator(kind).needs_histogram) (void)statistics.histogram.add(numbers);
  return calibrator(kind).range(statistics, request);
}

void round_static(std::span<float> numbers, const StaticInt8Scheme& scheme) {
  const bool wide = scheme.act == ActivationType::u16 || scheme.act == ActivationType::s16;
  const int bits = wide ? 16 : 8;
  const int codes = 1 << bits;
  const ValueRange range =
      calibrated(numbers, scheme.calibrator,
                 {.symmetric = scheme.act_sym, .levels = scheme.act_sym ? codes - 1 : codes, .percentile = scheme.percentile});
  if (scheme.act_sym) {
    const IntegerRange narrow = narrow_range(bits);
    return round_to(numbers, symmetric_parameters(std::max(-range.low, range.high), narrow.most), narrow);
  }
  round_to(numbers, asymmetric_parameters(range.low, range.high, unsigned_range(bits)), unsigned_range(bits));
}

void round_dynamic(std::span<float> numbers, const DynamicInt8Scheme& scheme) {
  if (scheme.act == ActivationType::s8)
    return round_to(numbers, symmetric_parameters(largest_of(numbers), narrow_range(8).most), narrow_range(8));
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  round_to(numbers, asymmetric_parameters(std::min(*low, 0.0F), std::max(*high, 0.0F), unsigned_range(8)), unsigned_range(8));
}

// Blocks of inputs lie along the columns, as those of weights do.
void round_blocks(SampledRows& rows, const Scheme& scheme) {
  WeightMatrix matrix{.rows = std::ssize(rows.elements) / rows.columns, .columns = rows.columns, .elements = std::move(rows.elements)};
  round_weights(matrix, scheme);
  rows.elements = std::move(matrix.elements);
}

}  // namespace

bool rounds_inputs(const Scheme& scheme) {
  if (const auto* fp8 = std::get_if<Fp8Scheme>(&scheme)) return !fp8->weights_only && fp8->format != Float8Format::e3m4;
  if (const auto* mx = std::get_if<MxScheme>(&scheme)) return !mx->weights_only;
  if (const auto* nvfp4 = std::get_if<Nvfp4Scheme>(&scheme)) return !nvfp4->weights_only;
  return std::holds_alternative<StaticInt8Scheme>(scheme) || std::holds_alternative<DynamicInt8Scheme>(scheme);
}

void round_weights(WeightMatrix& weights, const Scheme& scheme) { std::visit(WeightRounder(weights), scheme); }

void round_inputs(SampledRows& rows, const Scheme& scheme) {
  if (!rounds_inputs(scheme) || rows.elements.empty()) return;
  if (const auto* fixed = std::get_if<StaticInt8Scheme>(&scheme)) return round_static(rows.elements, *fixed);
  if (const auto* fp8 = std::get_if<Fp8Scheme>(&scheme)) {
    const ValueRange range = calibrated(rows.elements, fp8->calibrator, {.symmetric = true, .levels = 255, .percentile = 99.99});
    return round_to(rows.elements, format_of(*fp8), std::max(-range.low, range.high));
  }
  if (const auto* dynamic = std::get_if<DynamicInt8Scheme>(&scheme)) {
    std::size_t begin = 0;
    for (const std::size_t end : rows.ends) {
      if (end > begin) round_dynamic(std::span(rows.elements).subspan(begin, end - begin), *dynamic);
      begin = end;
    }
    return;
  }
  round_blocks(rows, scheme);
}

}  // namespace titrate::engine
