#include "engine/quant/weights/gptq.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace titrate::engine {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Columns whose updates are applied to the rest at once, so that the rest of U is read once for all of them.
constexpr std::int64_t block_columns = 128;

// The columns in the order in which they are rounded: by falling diagonal, equal ones in their own order.
std::vector<std::int64_t> order_of(const std::vector<double>& hessian, std::int64_t columns, bool by_diagonal) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(columns));
  std::iota(order.begin(), order.end(), 0);
  const auto diagonal = [&](std::int64_t column) { return hessian[static_cast<std::size_t>(column * (columns + 1))]; };
  if (by_diagonal)
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t first, std::int64_t second) { return diagonal(first) > diagonal(second); });
  return order;
}

// U, upper triangular, with U^T U the inverse of the permuted Hessian.
std::optional<Matrix> inverse_factor(const std::vector<double>& hessian, const std::vector<std::int64_t>& order) {
  const auto columns = static_cast<Eigen::Index>(order.size());
  Matrix permuted(columns, columns);
  for (Eigen::Index i = 0; i < columns; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j)
      permuted(i, j) = hessian[static_cast<std::size_t>(order[static_cast<std::size_t>(i)] * columns + order[static_cast<std::size_t>(j)])];
  }
  const Eigen::LLT<Matrix> factor(permuted);
  if (factor.info() != Eigen::Success) return std::nullopt;
  const Matrix inverse = factor.solve(Matrix::Identity(columns, columns));
  const Eigen::LLT<Matrix> inverse_factor(inverse);
  if (inverse_factor.info() != Eigen::Success) return std::nullopt;
  Matrix upper = inverse_factor.matrixU();
  return upper.allFinite() ? std::optional(std::move(upper)) : std::nullopt;
}

// The damping grows until the Hessian is safely positive (B5, traps).
std::optional<Matrix> factorize(const LayerProblem& problem, double damp, const std::vector<std::int64_t>& order) {
  for (;; damp = std::min(damp * 10, 1.0)) {
    if (auto factor = inverse_factor(problem.damped_gram(damp), order)) return factor;
    if (damp >= 1) return std::nullopt;
  }
}

class RowRounder {
 public:
  RowRounder(const LayerProblem& problem, const std::vector<std::int64_t>& order, const Matrix& factor, QuantizedMatrix& quantized)
      : problem_(problem), order_(order), factor_(factor), quantized_(quantized) {}

  void round(std::int64_t row) {
    const auto columns = static_cast<std::int64_t>(order_.size());
    std::vector<double> weights(order_.size());
    for (std::size_t place = 0; place < order_.size(); ++place) weights[place] = start(row, order_[place]);
    std::vector<double> errors(static_cast<std::size_t>(block_columns));
    for (std::int64_t begin = 0; begin < columns; begin += block_columns) {
      const std::int64_t end = std::min(begin + block_columns, columns);
      for (std::int64_t place = begin; place < end; ++place) {
        const double error = round_one(row, place, weights[static_cast<std::size_t>(place)]);
        errors[static_cast<std::size_t>(place - begin)] = error;
        spread(error, place, place + 1, end, weights);
      }
      for (std::int64_t place = begin; place < end; ++place)
        spread(errors[static_cast<std::size_t>(place - begin)], place, end, columns, weights);
    }
  }

 private:
  // An input that is always 0 needs no weight.
  double start(std::int64_t row, std::int64_t column) const {
    const bool dead = problem_.gram[static_cast<std::size_t>(column * (problem_.target.columns + 1))] == 0;
    return dead ? 0.0 : static_cast<double>(problem_.target.row(row)[static_cast<std::size_t>(column)]);
  }

  double round_one(std::int64_t row, std::int64_t place, double weight) {
    const std::int64_t column = order_[static_cast<std::size_t>(place)];
    const AffineParameters parameters = quantized_.parameters(row, column);
    const auto scale = static_cast<double>(parameters.scale);
    const double wanted = std::nearbyint(weight / scale) + parameters.zero_point;
    const double code = std::clamp<double>(wanted, quantized_.range.least, quantized_.range.most);
    quantized_.codes[static_cast<std::size_t>(row * quantized_.columns + column)] = static_cast<std::int16_t>(code);
    return (weight - (code - parameters.zero_point) * scale) / factor_(place, place);
  }

  void spread(double error, std::int64_t place, std::int64_t begin, std::int64_t end, std::vector<double>& weights) const {
    const double* factors = factor_.data() + place * factor_.cols();
    for (std::int64_t later = begin; later < end; ++later) weights[static_cast<std::size_t>(later)] -= error * factors[later];
  }

  const LayerProblem& problem_;
  const std::vector<std::int64_t>& order_;
  const Matrix& factor_;
  QuantizedMatrix& quantized_;
};

}  // namespace

bool gptq(const LayerProblem& problem, const GptqOptions& options, QuantizedMatrix& quantized) {
  const std::vector<std::int64_t> order = order_of(problem.damped_gram(0), problem.target.columns, options.act_order);
  const std::optional<Matrix> factor = factorize(problem, options.damp, order);
  if (!factor) return false;
  RowRounder rounder(problem, order, *factor, quantized);
#pragma omp parallel for schedule(dynamic, 4)
  for (std::int64_t row = 0; row < problem.target.rows; ++row) rounder.round(row);
  return true;
}

}  // namespace titrate::engine
