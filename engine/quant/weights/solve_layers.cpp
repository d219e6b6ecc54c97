#include "engine/quant/weights/solve_layers.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/base/text.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/weights/input_moments.hpp"
#include "engine/quant/weights/stepped_run.hpp"

namespace titrate::engine {
namespace {

// Six matrices of moments in double then take a gigabyte.
constexpr std::int64_t most_columns = 4096;
// Rows for each column, so that the moments are of full rank with a margin; within bounds that keep small layers exact and large ones
// quick. The least is high because rows of one sample are alike: on sequences of 512 tokens 4096 rows overfit 172 columns.
constexpr std::int64_t rows_for_each_column = 8;
constexpr std::int64_t least_rows = 16384;
constexpr std::int64_t most_rows = 32768;
// Every fifth sample (or row, where there are few samples) decides whether the result is kept, and is not seen before.
constexpr std::int64_t held_out_one_in = 5;
constexpr std::int64_t most_samples = 128;
// Of the shift of the target, as GPTQ's: the mean diagonal times this.
constexpr double target_damp = 0.01;

const WeightSolver* solver_of(const Scheme& scheme) { return implementation_of(scheme).solver; }
bool uses_inputs(const Scheme& scheme) { return solver_of(scheme) != nullptr && solver_of(scheme)->improve != nullptr; }
bool needs_inputs(const Scheme& scheme) { return uses_inputs(scheme) && solver_of(scheme)->needs_data; }

// The float model and the same with the weights that are quantized so far, side by side. Until the first are, one run serves for both.
class Sides {
 public:
  Sides(const Model& model, const CalibrationSamples& samples, std::int64_t count) : graph_(model.graph), float_(model, samples, count) {}

  void advance_to(std::size_t node) {
    if (pending_.empty() && !quantized_) return float_.advance_to(node);
    if (!quantized_) quantized_.emplace(float_);
    for (auto& [index, weights] : pending_) quantized_->replace_input(index, input_of(index), std::move(weights));
    pending_.clear();
    float_.advance_to(node);
    quantized_->advance_to(node);
  }

  void replace_weights(std::size_t node, Tensor weights) { pending_.emplace_back(node, std::move(weights)); }

  [[nodiscard]] bool diverged() const { return quantized_.has_value(); }
  [[nodiscard]] const Tensor& float_value(std::int64_t sample, ValueId id) const { return float_.value(sample, id); }
  [[nodiscard]] const Tensor& quantized_value(std::int64_t sample, ValueId id) const {
    return quantized_ ? quantized_->value(sample, id) : float_.value(sample, id);
  }

 private:
  [[nodiscard]] std::size_t input_of(std::size_t node) const { return weight_input(graph_.nodes[node]); }

  const Graph& graph_;
  SteppedRun float_;
  std::optional<SteppedRun> quantized_;
  std::vector<std::pair<std::size_t, Tensor>> pending_;  // weights of nodes that have not run yet
};

// The moments of one layer's inputs, by group of channels.
struct LayerInputs {
  std::vector<InputMoments> seen;
  std::vector<InputMoments> held_out;
};

// Rows [index % held_out_one_in == held_out_one_in - 1] apart from the others.
std::vector<float> part_of(std::span<const float> rows, std::int64_t columns, bool held_out) {
  std::vector<float> part;
  for (std::int64_t row = 0; row * columns < std::ssize(rows); ++row) {
    if ((row % held_out_one_in == held_out_one_in - 1) != held_out) continue;
    const auto begin = rows.begin() + row * columns;
    part.insert(part.end(), begin, begin + columns);
  }
  return part;
}

class InputCollector {
 public:
  InputCollector(const Sides& run, const Node& node, const Shape& weights, std::int64_t samples)
      : run_(run), node_(node), weights_(weights), samples_(samples) {
    const std::int64_t columns = columns_of(weights);
    const std::int64_t wanted = std::clamp(columns * rows_for_each_column, least_rows, most_rows);
    rows_of_sample_ = std::max<std::int64_t>(1, (wanted + samples - 1) / samples);
  }

  LayerInputs collect() {
    LayerInputs inputs;
    for (std::int64_t sample = 0; sample < samples_; ++sample) {
      const Tensor& quantized = run_.quantized_value(sample, node_.inputs[0]);
      const InputRows rows = input_rows(node_, weights_, quantized, rows_of_sample_);
      InputRows floats;
      if (run_.diverged()) floats = input_rows(node_, weights_, run_.float_value(sample, node_.inputs[0]), rows_of_sample_);
      for (std::int64_t group = 0; group < rows.groups; ++group) add(inputs, sample, group, rows, floats);
    }
    return inputs;
  }

 private:
  std::int64_t columns_of(const Shape& weights) const {
    if (node_.type == "Conv") return std::accumulate(weights.begin() + 1, weights.end(), std::int64_t{1}, std::multiplies<>());
    return node_.type == "Gemm" && node_.integer("transB", 0) != 0 ? weights[1] : weights[0];
  }

  void add(LayerInputs& inputs, std::int64_t sample, std::int64_t group, const InputRows& rows, const InputRows& floats) const {
    if (std::ssize(inputs.seen) <= group) {
      inputs.seen.emplace_back(rows.columns);
      inputs.held_out.emplace_back(rows.columns);
    }
    const auto own = rows.group(group);
    const auto others = floats.elements.empty() ? std::span<const float>() : floats.group(group);
    InputMoments& seen = inputs.seen[static_cast<std::size_t>(group)];
    InputMoments& held_out = inputs.held_out[static_cast<std::size_t>(group)];
    if (samples_ >= held_out_one_in) {
      (sample % held_out_one_in == held_out_one_in - 1 ? held_out : seen).add(own, others);
      return;
    }
    for (const bool apart : {false, true})
      (apart ? held_out : seen).add(part_of(own, rows.columns, apart), part_of(others, rows.columns, apart));
  }

  const Sides& run_;
  const Node& node_;
  const Shape& weights_;
  std::int64_t samples_;
  std::int64_t rows_of_sample_;
};

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<const Matrix>;

// Rows [first, first + count) of W as doubles.
Matrix as_doubles(const WeightMatrix& weights, std::int64_t first, std::int64_t count) {
  Matrix result(count, weights.columns);
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column)
      result(row, column) = static_cast<double>(weights.row(first + row)[static_cast<std::size_t>(column)]);
  }
  return result;
}

// Where q is not x: W' with W' q nearest to W x, W' = W + W (C^T - G) (G + damping)^-1, C the sum of q x^T. What the codes should stand
// for.
WeightMatrix target_of(const WeightMatrix& weights, std::int64_t first, std::int64_t count, const InputMoments& moments) {
  WeightMatrix target = rows_of(weights, first, count);
  if (moments.cross.empty()) return target;
  const LayerProblem damping{.target = {.rows = 0, .columns = moments.columns, .elements = {}}, .gram = moments.gram};
  const std::vector<double> damped = damping.damped_gram(target_damp);
  const MatrixMap gram(moments.gram.data(), moments.columns, moments.columns);
  const MatrixMap cross(moments.cross.data(), moments.columns, moments.columns);
  const Eigen::LLT<Matrix> factor(MatrixMap(damped.data(), moments.columns, moments.columns));
  if (factor.info() != Eigen::Success) return target;
  const Matrix own = as_doubles(weights, first, count);
  const Matrix shift = factor.solve((cross - gram) * own.transpose()).transpose();
  if (!shift.allFinite()) return target;
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column)
      target.elements[static_cast<std::size_t>(row * weights.columns + column)] = static_cast<float>(own(row, column) + shift(row, column));
  }
  return target;
}

// Sum over rows of |W x - W^ q|^2.
double error_on(const WeightMatrix& weights, const QuantizedMatrix& quantized, std::int64_t first, const InputMoments& moments) {
  const Matrix own = as_doubles(weights, first, quantized.rows);
  Matrix codes(quantized.rows, quantized.columns);
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t column = 0; column < quantized.columns; ++column)
      codes(row, column) = static_cast<double>(quantized.dequantized(row, column));
  }
  const MatrixMap gram(moments.gram.data(), moments.columns, moments.columns);
  const MatrixMap cross(moments.cross_or_gram().data(), moments.columns, moments.columns);
  const MatrixMap floats(moments.float_gram_or_gram().data(), moments.columns, moments.columns);
  return (own * floats).cwiseProduct(own).sum() - 2 * (codes * cross).cwiseProduct(own).sum() + (codes * gram).cwiseProduct(codes).sum();
}

class LayerSolver {
 public:
  LayerSolver(const Scheme& scheme, const WeightMatrix& weights, const CalibrationSamples& samples)
      : scheme_(scheme), weights_(weights), cancelled_(samples.cancelled) {}

  WeightSolution solve(const LayerInputs& inputs) const {
    const QuantizedMatrix nearest = quantize_weights(weights_, solver_of(scheme_)->grid(scheme_));
    QuantizedMatrix found = nearest;
    const auto groups = std::ssize(inputs.seen);
    const std::int64_t rows = weights_.rows / groups;
    double nearest_error = 0;
    double found_error = 0;
    for (std::int64_t group = 0; group < groups; ++group) {
      const auto index = static_cast<std::size_t>(group);
      if (const auto refused = solve_group(inputs.seen[index], group * rows, rows, found))
        return {nearest, cat(*refused, ": rounded to nearest")};
      nearest_error += error_on(weights_, rows_of(nearest, group * rows, rows), group * rows, inputs.held_out[index]);
      found_error += error_on(weights_, rows_of(found, group * rows, rows), group * rows, inputs.held_out[index]);
    }
    const double gain = 10 * std::log10(nearest_error / found_error);
    const std::string size = std::isfinite(gain) ? cat(shortest(std::round(std::fabs(gain) * 10) / 10), " dB") : "";
    if (!(found_error < nearest_error))
      return {nearest, cat("rounded to nearest: on held-out rows ", scheme_name(scheme_), " is no better",
                           size.empty() ? "" : cat(" (by ", size, ")"))};
    return {std::move(found), cat("output error ", size, " below rounding to nearest on held-out rows")};
  }

 private:
  std::optional<std::string> solve_group(const InputMoments& moments, std::int64_t first, std::int64_t rows, QuantizedMatrix& found) const {
    if (!std::all_of(moments.gram.begin(), moments.gram.end(), [](double sum) { return std::isfinite(sum); }))
      return "its inputs are not finite on calibration data";
    const LayerProblem problem{.target = target_of(weights_, first, rows, moments), .gram = moments.gram, .cancelled = cancelled_};
    QuantizedMatrix part = start(problem.target, rows_of(found, first, rows));
    if (const auto refused = solver_of(scheme_)->improve(problem, scheme_, part)) return refused;
    found.range = part.range;
    put_rows(part, first, found);
    return std::nullopt;
  }

  // The grid of the target, which may differ from the weights'; symmetric codes may use the lowest one too.
  QuantizedMatrix start(const WeightMatrix& target, QuantizedMatrix part) const {
    const RoundToNearest grid = solver_of(scheme_)->grid(scheme_);
    if (!part.per_tensor) part = quantize_weights(target, grid);
    if (grid.mode == WeightMode::narrow) part.range = signed_range(grid.bits);
    return part;
  }

  const Scheme& scheme_;
  const WeightMatrix& weights_;
  const std::function<bool()>& cancelled_;
};

// The dequantized weights as the node reads them.
Tensor as_tensor(const QuantizedMatrix& quantized, bool transposed, const Shape& shape) {
  Tensor tensor = Tensor::uninitialized(DataType::float32, shape);
  const auto elements = tensor.mutable_data<float>();
  for (std::int64_t row = 0; row < quantized.rows; ++row) {
    for (std::int64_t column = 0; column < quantized.columns; ++column) {
      const std::int64_t place = transposed ? column * quantized.rows + row : row * quantized.columns + column;
      elements[static_cast<std::size_t>(place)] = quantized.dequantized(row, column);
    }
  }
  return tensor;
}

}  // namespace

bool needs_layer_inputs(const Model& prepared, const Config& config, const Target& target) {
  const std::vector<Assignment> assignments = assign(prepared.graph, config, target);
  return std::any_of(assignments.begin(), assignments.end(), [](const Assignment& each) { return needs_inputs(each.scheme); });
}

bool uses_layer_inputs(const Model& prepared, const Config& config, const Target& target) {
  const std::vector<Assignment> assignments = assign(prepared.graph, config, target);
  return std::any_of(assignments.begin(), assignments.end(), [](const Assignment& each) { return uses_inputs(each.scheme); });
}

WeightSolutions solve_layers(const Model& prepared, const Config& config, const CalibrationSamples& samples, const Target& target) {
  WeightSolutions solutions;
  if (samples.count == 0) return solutions;
  const std::int64_t count = affordable_samples(prepared, samples, most_samples);
  Sides run(prepared, samples, count);
  for (const Assignment& assignment : assign(prepared.graph, config, target)) {
    if (solver_of(assignment.scheme) == nullptr) continue;
    const Node& node = prepared.graph.nodes[assignment.node];
    const Shape& shape = prepared.graph.constant_input(node, weight_input(node))->shape();
    const WeightMatrix weights = weight_matrix_of(prepared.graph, node);
    WeightSolution solution;
    const bool table = is_lookup(node);
    if (uses_inputs(assignment.scheme) && !table && weights.columns <= most_columns) {
      run.advance_to(assignment.node);
      solution = LayerSolver(assignment.scheme, weights, samples).solve(InputCollector(run, node, shape, count).collect());
    } else {
      solution.quantized = quantize_weights(weights, solver_of(assignment.scheme)->grid(assignment.scheme));
      if (uses_inputs(assignment.scheme) && table)
        solution.remark = "rounded to nearest: its rows are looked up, no input is multiplied with them";
      else if (uses_inputs(assignment.scheme))
        solution.remark = cat("rounded to nearest: moments of ", weights.columns, " inputs would take more than a gigabyte");
    }
    run.replace_weights(assignment.node, as_tensor(solution.quantized, weights.transposed, shape));
    if (uses_inputs(assignment.scheme)) solutions.emplace(node.name, std::move(solution));
  }
  return solutions;
}

}  // namespace titrate::engine
