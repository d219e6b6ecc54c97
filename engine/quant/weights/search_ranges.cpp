#include "engine/quant/weights/search_ranges.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <vector>

namespace titrate::engine {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<const Matrix>;
using Vector = Eigen::VectorXd;

// AWQ cuts in steps of a twentieth, to a half; at 2 and 3 bits less than that may be best (algorithms A6).
constexpr int cuts = 16;
constexpr double cut = 0.05;
constexpr int rounds = 2;
// Rows that share a pass over the Gram matrix, which may be larger than the caches.
constexpr std::int64_t rows_together = 32;

// Some rows: the difference D between codes and target, and D G, kept up to date.
class RangeSearch {
 public:
  RangeSearch(const LayerProblem& problem, const RoundToNearest& how, QuantizedMatrix& quantized, std::int64_t first)
      : problem_(problem),
        how_(how),
        quantized_(quantized),
        first_(first),
        rows_(std::min(rows_together, quantized.rows - first)),
        gram_(problem.gram.data(), quantized.columns, quantized.columns),
        difference_(rows_, quantized.columns) {
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t column = 0; column < quantized.columns; ++column)
        difference_(row, column) = static_cast<double>(quantized.dequantized(first + row, column)) - target(row, column);
    }
    gradient_ = difference_ * gram_;
  }

  void run() {
    for (int round = 0; round < rounds; ++round) {
      for (std::int64_t group = 0; group < quantized_.groups(); ++group) search(group);
    }
  }

 private:
  double target(std::int64_t row, std::int64_t column) const {
    return static_cast<double>(problem_.target.row(first_ + row)[static_cast<std::size_t>(column)]);
  }

  std::span<const float> weights(std::int64_t row, std::int64_t begin, std::int64_t size) const {
    return problem_.target.row(first_ + row).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
  }

  void search(std::int64_t group) {
    const std::int64_t begin = group * quantized_.group;
    const std::int64_t size = std::min(quantized_.group, quantized_.columns - begin);
    const auto own_gram = gram_.block(begin, begin, size, size);
    const auto own_gradient = gradient_.middleCols(begin, size);
    Vector least = Vector::Zero(rows_);
    Matrix best = Matrix::Zero(rows_, size);  // what is added to D
    std::vector<AffineParameters> grids(static_cast<std::size_t>(rows_));
    std::vector<AffineParameters> best_grids = grids;
    Matrix change(rows_, size);
    for (int step = 0; step < cuts; ++step) {
      for (std::int64_t row = 0; row < rows_; ++row) {
        AffineParameters& grid = grids[static_cast<std::size_t>(row)];
        grid = grid_of_range(weights(row, begin, size), how_, static_cast<float>(1 - cut * step));
        for (std::int64_t column = 0; column < size; ++column)
          change(row, column) = rounded(row, begin + column, grid) - target(row, begin + column) - difference_(row, begin + column);
      }
      // |(D + C) X|^2 - |D X|^2 for each row.
      const Vector gain = (change * own_gram + 2 * own_gradient).cwiseProduct(change).rowwise().sum();
      for (std::int64_t row = 0; row < rows_; ++row) {
        if (!(gain[row] < least[row])) continue;
        least[row] = gain[row];
        best.row(row) = change.row(row);
        best_grids[static_cast<std::size_t>(row)] = grids[static_cast<std::size_t>(row)];
      }
    }
    for (std::int64_t row = 0; row < rows_; ++row) {
      if (least[row] < 0) take(row, group, begin, size, best_grids[static_cast<std::size_t>(row)]);
    }
    difference_.middleCols(begin, size) += best;
    gradient_ += best * gram_.middleRows(begin, size);
  }

  double rounded(std::int64_t row, std::int64_t column, AffineParameters grid) const {
    return static_cast<double>(dequantize(quantize(static_cast<float>(target(row, column)), grid, quantized_.range), grid));
  }

  void take(std::int64_t row, std::int64_t group, std::int64_t begin, std::int64_t size, AffineParameters grid) {
    const auto index = static_cast<std::size_t>((first_ + row) * quantized_.groups() + group);
    quantized_.scales[index] = grid.scale;
    quantized_.zero_points[index] = grid.zero_point;
    const std::span<const float> elements = weights(row, begin, size);
    const auto place = static_cast<std::size_t>((first_ + row) * quantized_.columns + begin);
    for (std::size_t column = 0; column < elements.size(); ++column)
      quantized_.codes[place + column] = static_cast<std::int16_t>(quantize(elements[column], grid, quantized_.range));
  }

  const LayerProblem& problem_;
  const RoundToNearest& how_;
  QuantizedMatrix& quantized_;
  std::int64_t first_;
  std::int64_t rows_;
  MatrixMap gram_;
  Matrix difference_;  // codes - target, [rows, columns]
  Matrix gradient_;    // D G
};

}  // namespace

void search_ranges(const LayerProblem& problem, const RoundToNearest& how, QuantizedMatrix& quantized) {
  if (quantized.per_tensor) return;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t first = 0; first < quantized.rows; first += rows_together) RangeSearch(problem, how, quantized, first).run();
}

}  // namespace titrate::engine
