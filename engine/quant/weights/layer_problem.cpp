#include "engine/quant/weights/layer_problem.hpp"

namespace titrate::engine {

std::vector<double> LayerProblem::damped_gram(double damp) const {
  const auto columns = static_cast<std::size_t>(target.columns);
  std::vector<double> damped = gram;
  double mean = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    double& diagonal = damped[column * (columns + 1)];
    if (diagonal == 0) diagonal = 1;
    mean += diagonal / static_cast<double>(columns);
  }
  for (std::size_t column = 0; column < columns; ++column) damped[column * (columns + 1)] += damp * mean;
  return damped;
}

std::vector<double> dequantized_row(const QuantizedMatrix& quantized, std::int64_t row) {
  std::vector<double> numbers(static_cast<std::size_t>(quantized.columns));
  for (std::size_t column = 0; column < numbers.size(); ++column)
    numbers[column] = static_cast<double>(quantized.dequantized(row, static_cast<std::int64_t>(column)));
  return numbers;
}

double output_energy(const LayerProblem& problem) {
  const auto columns = static_cast<std::size_t>(problem.target.columns);
  std::vector<double> of_rows(static_cast<std::size_t>(problem.target.rows));
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < problem.target.rows; ++row) {
    const auto elements = problem.target.row(row);
    std::vector<double> products(columns);
    // Sums run along the rows of G, which is symmetric, so that they need not be reordered to be fast.
    for (std::size_t i = 0; i < columns; ++i) {
      const auto factor = static_cast<double>(elements[i]);
      for (std::size_t j = 0; j < columns; ++j) products[j] += factor * problem.gram[i * columns + j];
    }
    double energy = 0;
    for (std::size_t j = 0; j < columns; ++j) energy += products[j] * static_cast<double>(elements[j]);
    of_rows[static_cast<std::size_t>(row)] = energy;
  }
  double total = 0;
  for (const double energy : of_rows) total += energy;
  return total;
}

double output_error(const LayerProblem& problem, const QuantizedMatrix& quantized) {
  LayerProblem difference = problem;
  for (std::size_t index = 0; index < difference.target.elements.size(); ++index) {
    const auto row = static_cast<std::int64_t>(index) / problem.target.columns;
    difference.target.elements[index] -= quantized.dequantized(row, static_cast<std::int64_t>(index) % problem.target.columns);
  }
  return output_energy(difference);
}

}  // namespace titrate::engine
