#include "benchmarks/beside/eigen_product.hpp"

#include <Eigen/Core>

void eigen_product(const float* left, const float* right, float* result, std::ptrdiff_t rows, std::ptrdiff_t depth, std::ptrdiff_t columns,
                   int threads) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::setNbThreads(threads);
  const Eigen::Map<const Matrix> a(left, rows, depth);
  const Eigen::Map<const Matrix> b(right, depth, columns);
  Eigen::Map<Matrix>(result, rows, columns).noalias() = a * b;
}
