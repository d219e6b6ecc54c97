#include "engine/quant/weights/regrid.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace titrate::engine {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Of the present scale: a step of 4 bits is a fifteenth of the range, so these move its ends by up to a step or two.
constexpr std::array scale_factors = {1.0, 0.95, 1.05, 0.9, 1.1, 0.8, 1.2};

}  // namespace

GroupFeedback::GroupFeedback(std::span<const double> gram, std::size_t columns, std::size_t begin, std::size_t end)
    : size_(end - begin), order_(size_) {
  std::iota(order_.begin(), order_.end(), 0);
  const auto at = [&](std::size_t i, std::size_t j) { return gram[(begin + i) * columns + begin + j]; };
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t first, std::size_t second) { return at(first, first) > at(second, second); });
  const auto size = static_cast<Eigen::Index>(size_);
  Matrix own(size, size);
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t j = 0; j < size_; ++j) own(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = at(order_[i], order_[j]);
  }
  const Eigen::LLT<Matrix> direct(own);
  if (direct.info() != Eigen::Success) return;
  const Eigen::LLT<Matrix> inverse(direct.solve(Matrix::Identity(size, size)));
  if (inverse.info() != Eigen::Success) return;
  const Matrix upper = inverse.matrixU();
  if (upper.allFinite()) factor_.assign(upper.data(), upper.data() + upper.size());
}

std::optional<GroupCodes> GroupFeedback::best(std::span<const double> values, std::span<const double> gradient, AffineParameters present,
                                              IntegerRange range, bool moves_zero_point) const {
  // What the weights would be if they need not be codes, v + G^-1 g = v + U^T U g, in the order of rounding, and |U g|^2, which is what
  // they are off now.
  std::vector<double> wanted(size_);
  double now = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const double* row = factor_.data() + i * size_;
    double sum = 0;
    for (std::size_t j = i; j < size_; ++j) sum += row[j] * gradient[order_[j]];
    now += sum * sum;
    for (std::size_t j = i; j < size_; ++j) wanted[j] += sum * row[j];
    wanted[i] += values[order_[i]];
  }
  GroupCodes candidate{.grid = present, .codes = std::vector<std::int16_t>(size_)};
  GroupCodes found{.grid = present, .codes = {}, .error = now * (1 - 1e-9)};
  const std::int32_t reach = moves_zero_point ? 1 : 0;
  for (const double factor : scale_factors) {
    const auto scale = static_cast<float>(static_cast<double>(present.scale) * factor);
    if (!std::isnormal(scale)) continue;
    for (std::int32_t shift = -reach; shift <= reach; ++shift) {
      const std::int32_t zero_point = present.zero_point + shift;
      if (zero_point < range.least || zero_point > range.most) continue;
      candidate.grid = {.scale = scale, .zero_point = zero_point};
      candidate.error = found.error;
      round(wanted, range, candidate);
      if (candidate.error < found.error) found = candidate;
    }
  }
  if (found.codes.empty()) return std::nullopt;
  return found;
}

// `result.error` comes as a bound: beyond it the rest is not worth rounding.
void GroupFeedback::round(std::vector<double> wanted, IntegerRange range, GroupCodes& result) const {
  const auto scale = static_cast<double>(result.grid.scale);
  const double bound = result.error;
  double sum = 0;
  for (std::size_t place = 0; place < size_; ++place) {
    const double* row = factor_.data() + place * size_;
    const double code = std::clamp<double>(std::nearbyint(wanted[place] / scale) + result.grid.zero_point, range.least, range.most);
    result.codes[order_[place]] = static_cast<std::int16_t>(code);
    const double error = (wanted[place] - (code - result.grid.zero_point) * scale) / row[place];
    sum += error * error;
    if (!(sum < bound)) break;
    for (std::size_t later = place + 1; later < size_; ++later) wanted[later] -= error * row[later];
  }
  result.error = sum;
}

}  // namespace titrate::engine
