#include "engine/quant/formats/nvfp4.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/base/float8.hpp"
#include "engine/ops/float_arrays.hpp"

namespace titrate::engine {
namespace {

constexpr std::uint8_t code_of_one = 0x38;  // in E4M3
constexpr int least_code = 1;               // 2^-9
constexpr int most_code = 0x7e;             // 448

double squared_error(std::span<const float> block, float scale, std::span<std::uint8_t> codes) {
  std::array<float, nvfp4_block> back{};
  ops::encode_to(codes, block, float4e2m1, scale);
  ops::decode_to(std::span(back).first(block.size()), codes, float4e2m1, scale);
  double sum = 0;
  for (std::size_t index = 0; index < block.size(); ++index) {
    const double error = static_cast<double>(block[index]) - static_cast<double>(back[index]);
    sum += error * error;
  }
  return sum;
}

std::uint8_t search_scale(std::span<const float> block, float tensor_scale, std::uint8_t code, std::span<std::uint8_t> codes) {
  std::uint8_t best = code;
  double least = std::numeric_limits<double>::infinity();
  for (const int step : {0, 1, -1}) {
    const auto candidate = static_cast<std::uint8_t>(std::clamp(code + step, least_code, most_code));
    const double error = squared_error(block, nvfp4_scale(candidate, tensor_scale), codes);
    if (error >= least) continue;
    least = error;
    best = candidate;
  }
  return best;
}

// body(index of the block, its first element, how many).
template <class Body>
void for_each_block(const Nvfp4Matrix& matrix, std::int64_t row, const Body& body) {
  for (std::int64_t block = 0; block < matrix.blocks(); ++block) {
    const std::int64_t column = block * nvfp4_block;
    body(static_cast<std::size_t>(row * matrix.blocks() + block), static_cast<std::size_t>(row * matrix.columns + column),
         static_cast<std::size_t>(std::min(nvfp4_block, matrix.columns - column)));
  }
}

}  // namespace

float nvfp4_tensor_scale(float largest_magnitude) {
  return symmetric_parameters(largest_magnitude / (float4e2m1.largest * float8e4m3fn.largest), 1).scale;
}

float nvfp4_scale(std::uint8_t scale_code, float tensor_scale) { return decode(float8e4m3fn, scale_code) * tensor_scale; }

std::uint8_t quantize_nvfp4(std::span<const float> block, float tensor_scale, bool search, std::span<std::uint8_t> codes) {
  float largest = 0;
  for (const float number : block) largest = std::max(largest, std::fabs(number));
  std::uint8_t code = code_of_one;
  if (largest > 0) {
    const std::uint8_t nearest = encode(float8e4m3fn, largest / (float4e2m1.largest * tensor_scale));
    code = std::max(nearest, std::uint8_t{least_code});
    if (search) code = search_scale(block, tensor_scale, code, codes);
  }
  ops::encode_to(codes, block, float4e2m1, nvfp4_scale(code, tensor_scale));
  return code;
}

Nvfp4Matrix quantize_nvfp4(const WeightMatrix& weights, bool search) {
  const ops::FloatRange range = ops::range_of(weights.elements);
  Nvfp4Matrix matrix{.rows = weights.rows,
                     .columns = weights.columns,
                     .tensor_scale = nvfp4_tensor_scale(std::max(-range.lowest, range.highest)),
                     .codes = {},
                     .scales = {}};
  matrix.codes.resize(weights.elements.size());
  matrix.scales.resize(static_cast<std::size_t>(matrix.rows * matrix.blocks()));
#pragma omp parallel for schedule(static) if (weights.elements.size() > 65536)
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for_each_block(matrix, row, [&](std::size_t block, std::size_t first, std::size_t count) {
      matrix.scales[block] = quantize_nvfp4(std::span(weights.elements).subspan(first, count), matrix.tensor_scale, search,
                                            std::span(matrix.codes).subspan(first, count));
    });
  }
  return matrix;
}

std::vector<float> dequantized(const Nvfp4Matrix& matrix) {
  std::vector<float> numbers(matrix.codes.size());
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for_each_block(matrix, row, [&](std::size_t block, std::size_t first, std::size_t count) {
      ops::decode_to(std::span(numbers).subspan(first, count), std::span(matrix.codes).subspan(first, count), float4e2m1,
                     nvfp4_scale(matrix.scales[block], matrix.tensor_scale));
    });
  }
  return numbers;
}

}  // namespace titrate::engine
