#include "engine/quant/formats/mx.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {
namespace {

constexpr int scale_bias = 127;
constexpr int most_code = 254;
constexpr int int8_fraction_bits = 6;

// In the order of MxFormat.
constexpr std::array elements = {
    MxElement{&float8e4m3fn, 8, 3, 448.0F}, MxElement{&float8e5m2, 15, 2, 57344.0F},
    MxElement{&float6e3m2, 4, 2, 28.0F},    MxElement{&float6e2m3, 2, 3, 7.5F},
    MxElement{&float4e2m1, 2, 1, 6.0F},     MxElement{nullptr, 0, int8_fraction_bits, 127.0F / 64.0F},
};

// ilogb takes the exponent from the bits; a logarithm is off by one just below powers of two.
int scale_exponent(float largest, const MxElement& element, MxRule rule) {
  const int whole = std::ilogb(largest);
  const int exponent = whole - element.largest_exponent;
  const auto magnitude = static_cast<double>(largest);
  // Rounded to the element's mantissa, ties up, the block's largest element reaches the next power of two.
  if (rule == MxRule::even) return std::ldexp(magnitude, -whole) >= 2 - std::ldexp(0.5, -element.mantissa_bits) ? exponent + 1 : exponent;
  if (rule == MxRule::rceil) return magnitude > std::ldexp(static_cast<double>(element.largest), exponent) ? exponent + 1 : exponent;
  return exponent;
}

void encode_block(std::span<const float> block, const MxElement& element, std::uint8_t scale_code, std::span<std::uint8_t> codes) {
  if (element.codes != nullptr) return ops::encode_to(codes, block, *element.codes, mx_scale(scale_code));
  std::array<std::int16_t, mx_block> wide{};
  const float step = std::ldexp(mx_scale(scale_code), -int8_fraction_bits);
  ops::quantize_to(std::span(wide).first(block.size()), block, step, 0, -127, 127);
  std::transform(wide.begin(), wide.begin() + std::ssize(block), codes.begin(),
                 [](std::int16_t code) { return static_cast<std::uint8_t>(code); });
}

double squared_error(std::span<const float> block, std::span<const std::uint8_t> codes, const MxElement& element, std::uint8_t scale_code) {
  std::array<float, mx_block> back{};
  dequantize_mx(codes, element, scale_code, std::span(back).first(block.size()));
  double sum = 0;
  for (std::size_t index = 0; index < block.size(); ++index) {
    const double error = static_cast<double>(block[index]) - static_cast<double>(back[index]);
    sum += error * error;
  }
  return sum;
}

// Of the scale code and its neighbours the one of least squared error; among equals the first of: itself, above, below.
std::uint8_t search_scale(std::span<const float> block, const MxElement& element, std::uint8_t code, int least_code) {
  std::array<std::uint8_t, mx_block> codes{};
  const auto tried = std::span(codes).first(block.size());
  std::uint8_t best = code;
  double least = std::numeric_limits<double>::infinity();
  for (const int step : {0, 1, -1}) {
    const auto candidate = static_cast<std::uint8_t>(std::clamp(code + step, least_code, most_code));
    encode_block(block, element, candidate, tried);
    const double error = squared_error(block, tried, element, candidate);
    if (error >= least) continue;
    least = error;
    best = candidate;
  }
  return best;
}

}  // namespace

const MxElement& mx_element(MxFormat format) { return elements[static_cast<std::size_t>(format)]; }

float mx_scale(std::uint8_t code) { return std::ldexp(1.0F, code - scale_bias); }

std::uint8_t quantize_mx(std::span<const float> block, const MxElement& element, MxRule rule, std::span<std::uint8_t> codes,
                         std::uint8_t least_code) {
  float largest = 0;
  for (const float number : block) {
    if (!std::isfinite(number)) {
      std::fill(codes.begin(), codes.end(), std::uint8_t{0});
      return mx_nan;
    }
    largest = std::max(largest, std::fabs(number));
  }
  const int wanted = largest == 0 ? 0 : scale_exponent(largest, element, rule) + scale_bias;
  auto code = static_cast<std::uint8_t>(std::clamp<int>(wanted, least_code, most_code));
  if (rule == MxRule::best && largest > 0) code = search_scale(block, element, code, least_code);
  encode_block(block, element, code, codes);
  return code;
}

void dequantize_mx(std::span<const std::uint8_t> codes, const MxElement& element, std::uint8_t scale_code, std::span<float> numbers) {
  if (element.codes != nullptr) return ops::decode_to(numbers, codes, *element.codes, mx_scale(scale_code));
  const float step = std::ldexp(mx_scale(scale_code), -int8_fraction_bits);
  std::transform(codes.begin(), codes.end(), numbers.begin(),
                 [step](std::uint8_t code) { return static_cast<float>(static_cast<std::int8_t>(code)) * step; });
}

MxMatrix quantize_mx(const WeightMatrix& weights, const MxElement& element, MxRule rule, std::uint8_t least_code) {
  MxMatrix matrix{.rows = weights.rows, .columns = weights.columns, .codes = {}, .scales = {}};
  matrix.codes.resize(weights.elements.size());
  matrix.scales.resize(static_cast<std::size_t>(matrix.rows * matrix.blocks()));
#pragma omp parallel for schedule(static) if (weights.elements.size() > 65536)
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t block = 0; block < matrix.blocks(); ++block) {
      const std::int64_t column = block * mx_block;
      const auto first = static_cast<std::size_t>(row * matrix.columns + column);
      const auto count = static_cast<std::size_t>(std::min(mx_block, matrix.columns - column));
      matrix.scales[static_cast<std::size_t>(row * matrix.blocks() + block)] = quantize_mx(
          std::span(weights.elements).subspan(first, count), element, rule, std::span(matrix.codes).subspan(first, count), least_code);
    }
  }
  return matrix;
}

std::vector<float> dequantized(const MxMatrix& matrix, const MxElement& element) {
  std::vector<float> numbers(matrix.codes.size());
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t block = 0; block < matrix.blocks(); ++block) {
      const std::int64_t column = block * mx_block;
      const auto first = static_cast<std::size_t>(row * matrix.columns + column);
      const auto count = static_cast<std::size_t>(std::min(mx_block, matrix.columns - column));
      dequantize_mx(std::span(matrix.codes).subspan(first, count), element,
                    matrix.scales[static_cast<std::size_t>(row * matrix.blocks() + block)], std::span(numbers).subspan(first, count));
    }
  }
  return numbers;
}

}  // namespace titrate::engine
