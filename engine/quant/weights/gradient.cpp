#include "engine/quant/weights/gradient.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace titrate::engine {

namespace {

// A tile's rows twice: enough to keep a core busy, few enough to share the work evenly.
constexpr std::int64_t block_rows = 24;

PackedGram packed_gram(const LayerProblem& problem) {
  const auto columns = static_cast<std::size_t>(problem.target.columns);
  double mean = 0;
  for (std::size_t column = 0; column < columns; ++column) mean += problem.gram[column * (columns + 1)] / static_cast<double>(columns);
  const double factor = mean > 0 ? 1 / mean : 1;
  std::vector<float> gram(columns * columns);
  for (std::size_t index = 0; index < gram.size(); ++index) gram[index] = static_cast<float>(problem.gram[index] * factor);
  return PackedGram({.elements = gram.data(), .rows = columns, .columns = columns, .row_stride = columns, .column_stride = 1});
}

}  // namespace

OutputGradient::OutputGradient(const WeightMatrix& target, const PackedGram& gram) : target_(target), gram_(gram) {
  difference_.resize(target_.elements.size());
}

std::vector<double> OutputGradient::compute(std::span<const float> weights, std::span<float> gradient) {
  const auto rows = static_cast<std::size_t>(target_.rows);
  const auto columns = static_cast<std::size_t>(target_.columns);
  for (std::size_t index = 0; index < weights.size(); ++index) difference_[index] = weights[index] - target_.elements[index];
  ops::multiply({.elements = difference_.data(), .rows = rows, .columns = columns, .row_stride = columns, .column_stride = 1}, gram_,
                scratch_, gradient);
  std::vector<double> errors(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t index = row * columns; index < (row + 1) * columns; ++index) {
      errors[row] += static_cast<double>(difference_[index]) * static_cast<double>(gradient[index]);
      gradient[index] *= 2;
    }
  }
  return errors;
}

void for_each_row_block(const LayerProblem& problem, QuantizedMatrix& quantized,
                        const std::function<void(const WeightMatrix&, const PackedGram&, QuantizedMatrix&)>& learn) {
  const PackedGram gram = packed_gram(problem);
  const std::int64_t blocks = (problem.target.rows + block_rows - 1) / block_rows;
  const QuantizedMatrix whole = quantized;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t block = 0; block < blocks; ++block) {
    // An exception must not leave a parallel region.
    if (problem.cancelled && problem.cancelled()) continue;
    const std::int64_t first = block * block_rows;
    const std::int64_t rows = std::min(block_rows, problem.target.rows - first);
    QuantizedMatrix part = rows_of(whole, first, rows);
    learn(rows_of(problem.target, first, rows), gram, part);
    put_rows(part, first, quantized);
  }
  if (problem.cancelled && problem.cancelled()) throw Error(ErrorCode::interrupted, "interrupted");
}

}  // namespace titrate::engine
