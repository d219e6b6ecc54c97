#include "engine/quant/weights/refine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/quant/weights/regrid.hpp"

namespace titrate::engine {
namespace {

// One row: the difference d between target and codes, and G d, kept up to date.
class RowRefiner {
 public:
  RowRefiner(const LayerProblem& problem, const std::vector<double>& gram, const std::vector<GroupFeedback>& feedback,
             QuantizedMatrix& quantized, std::int64_t row)
      : gram_(gram), feedback_(feedback), quantized_(quantized), row_(row), columns_(static_cast<std::size_t>(quantized.columns)) {
    difference_ = dequantized_row(quantized, row);
    for (std::size_t column = 0; column < columns_; ++column)
      difference_[column] = static_cast<double>(problem.target.row(row)[column]) - difference_[column];
    gradient_.assign(columns_, 0);
    for (std::size_t column = 0; column < columns_; ++column) add_scaled(difference_[column], column);
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const bool grids = !quantized_.per_tensor && choose_grids();
      const bool scales = !quantized_.per_tensor && fit_scales();
      if (!move_codes() && !scales && !grids) return;
    }
  }

 private:
  // gradient += factor * G[:, column]
  void add_scaled(double factor, std::size_t column) {
    const double* row = gram_.data() + column * columns_;
    for (std::size_t index = 0; index < columns_; ++index) gradient_[index] += factor * row[index];
  }

  void subtract(std::size_t column, double amount) {
    difference_[column] -= amount;
    add_scaled(-amount, column);
  }

  // For each group the grid beside the present one, and codes on it, with the least error while all else stays.
  bool choose_grids() {
    bool changed = false;
    for (std::int64_t group = 0; group < std::ssize(feedback_); ++group) changed = choose_grid(group) || changed;
    return changed;
  }

  bool choose_grid(std::int64_t group) {
    const GroupFeedback& feedback = feedback_[static_cast<std::size_t>(group)];
    if (!feedback.usable()) return false;
    const auto begin = static_cast<std::size_t>(group * quantized_.group);
    const std::size_t end = std::min(begin + static_cast<std::size_t>(quantized_.group), columns_);
    const auto index = static_cast<std::size_t>(row_ * quantized_.groups() + group);
    const AffineParameters present = quantized_.parameters(row_, static_cast<std::int64_t>(begin));
    std::vector<double> values(end - begin);
    for (std::size_t column = begin; column < end; ++column)
      values[column - begin] = static_cast<double>(quantized_.dequantized(row_, static_cast<std::int64_t>(column)));
    const std::optional<GroupCodes> found =
        feedback.best(values, std::span(gradient_).subspan(begin, end - begin), present, quantized_.range, quantized_.range.least == 0);
    if (!found) return false;
    quantized_.scales[index] = found->grid.scale;
    quantized_.zero_points[index] = found->grid.zero_point;
    for (std::size_t column = begin; column < end; ++column) {
      quantized_.codes[place(column)] = found->codes[column - begin];
      const double value = static_cast<double>(quantized_.dequantized(row_, static_cast<std::int64_t>(column)));
      if (value != values[column - begin]) subtract(column, value - values[column - begin]);
    }
    return true;
  }

  // For each group the scale s + (t^T G d) / (t^T G t), t the codes without zero point: the least error while all else stays.
  bool fit_scales() {
    bool changed = false;
    for (std::int64_t group = 0; group < quantized_.groups(); ++group) changed = fit_scale(group) || changed;
    return changed;
  }

  bool fit_scale(std::int64_t group) {
    const auto begin = static_cast<std::size_t>(group * quantized_.group);
    const std::size_t end = std::min(begin + static_cast<std::size_t>(quantized_.group), columns_);
    const auto index = static_cast<std::size_t>(row_ * quantized_.groups() + group);
    const std::int32_t zero_point = quantized_.zero_points[index];
    std::vector<double> steps(end - begin);
    for (std::size_t column = begin; column < end; ++column) steps[column - begin] = code(column) - zero_point;
    double along = 0;
    double energy = 0;
    for (std::size_t i = begin; i < end; ++i) {
      along += steps[i - begin] * gradient_[i];
      double sum = 0;
      for (std::size_t j = begin; j < end; ++j) sum += gram_[i * columns_ + j] * steps[j - begin];
      energy += sum * steps[i - begin];
    }
    if (!(energy > 0)) return false;
    const float before = quantized_.scales[index];
    const auto fitted = static_cast<float>(static_cast<double>(before) + along / energy);
    // A scale that would turn its sign or vanish says that the codes are no good; they move first.
    if (!(fitted >= std::numeric_limits<float>::min()) || !std::isfinite(fitted) || fitted == before || before <= 0) return false;
    const double gain = static_cast<double>(fitted) - static_cast<double>(before);
    if (std::fabs(gain) < 1e-6 * static_cast<double>(before)) return false;
    quantized_.scales[index] = fitted;
    for (std::size_t column = begin; column < end; ++column) {
      if (steps[column - begin] != 0) subtract(column, gain * steps[column - begin]);
    }
    return true;
  }

  // Each code to where the error is least while the others stay.
  bool move_codes() {
    bool changed = false;
    for (std::size_t column = 0; column < columns_; ++column) {
      const auto scale = static_cast<double>(quantized_.parameters(row_, static_cast<std::int64_t>(column)).scale);
      const double curvature = gram_[column * (columns_ + 1)];
      const double wanted = code(column) + std::nearbyint(gradient_[column] / (scale * curvature));
      const double moved = std::clamp<double>(wanted, quantized_.range.least, quantized_.range.most) - code(column);
      if (!(moved != 0)) continue;
      const double step = moved * scale;
      if (!(step * step * curvature - 2 * step * gradient_[column] < 0)) continue;
      quantized_.codes[place(column)] = static_cast<std::int16_t>(code(column) + moved);
      subtract(column, step);
      changed = true;
    }
    return changed;
  }

  std::size_t place(std::size_t column) const { return static_cast<std::size_t>(row_) * columns_ + column; }
  double code(std::size_t column) const { return quantized_.codes[place(column)]; }

  const std::vector<double>& gram_;
  const std::vector<GroupFeedback>& feedback_;
  QuantizedMatrix& quantized_;
  std::int64_t row_;
  std::size_t columns_;
  std::vector<double> difference_;
  std::vector<double> gradient_;  // G d: half the negative gradient with respect to the dequantized weights
};

// Of each group; none where all rows share a scale, or where trying grids would cost much more than all else.
std::vector<GroupFeedback> feedback_of(const std::vector<double>& gram, const QuantizedMatrix& quantized) {
  constexpr std::int64_t most_columns = 1024;
  std::vector<GroupFeedback> feedback;
  if (quantized.per_tensor || quantized.group > most_columns) return feedback;
  const auto columns = static_cast<std::size_t>(quantized.columns);
  for (std::int64_t group = 0; group < quantized.groups(); ++group) {
    const auto begin = static_cast<std::size_t>(group * quantized.group);
    feedback.emplace_back(gram, columns, begin, std::min(begin + static_cast<std::size_t>(quantized.group), columns));
  }
  return feedback;
}

}  // namespace

void refine(const LayerProblem& problem, double damp, int rounds, QuantizedMatrix& quantized) {
  if (rounds == 0) return;
  const std::vector<double> gram = problem.damped_gram(damp);
  const std::vector<GroupFeedback> feedback = feedback_of(gram, quantized);
#pragma omp parallel for schedule(dynamic, 4)
  for (std::int64_t row = 0; row < problem.target.rows; ++row) RowRefiner(problem, gram, feedback, quantized, row).run(rounds);
}

}  // namespace titrate::engine
