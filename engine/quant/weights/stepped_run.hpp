// Runs a model node by node over calibration samples, all samples side by side, so that it may be changed between two nodes. Each node runs
// once for each sample; only values that a later node reads are kept.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/quant/calibration_samples.hpp"

namespace titrate::engine {

class SteppedRun {
 public:
  /// `count` samples of `samples`, which must outlive this.
  SteppedRun(Model model, const CalibrationSamples& samples, std::int64_t count);

  /// Runs all nodes before `node` (a place in the model's nodes) that have not run yet, and forgets what no node from there on reads.
  void advance_to(std::size_t node);

  [[nodiscard]] const Graph& graph() const { return model_.graph; }
  [[nodiscard]] bool has_value(ValueId id) const { return !values_.empty() && values_[0].contains(id); }
  /// A value that was there when the run began and that a node from here on reads, or a graph output.
  [[nodiscard]] const Tensor& value(std::int64_t sample, ValueId id) const { return values_[static_cast<std::size_t>(sample)].at(id); }

  /// A node that has not run yet reads this constant as its input `index`.
  void replace_input(std::size_t node, std::size_t index, Tensor constant);
  /// Later nodes read this instead of what was computed.
  void replace_value(std::int64_t sample, ValueId id, Tensor value) { values_[static_cast<std::size_t>(sample)].at(id) = std::move(value); }

  /// Keeps a value that has not been computed yet, whoever reads it, until it is released.
  void keep(ValueId id);
  void release(ValueId id);

  /// The most bytes that values took at once, of all samples.
  [[nodiscard]] std::int64_t peak_bytes() const { return peak_bytes_; }

 private:
  using Values = std::unordered_map<ValueId, Tensor>;

  void forget(std::size_t end);

  Model model_;
  const CalibrationSamples& samples_;
  std::size_t next_ = 0;
  std::vector<std::int64_t> last_reader_;           // by value; -1: none; of graph outputs beyond all nodes
  std::unordered_map<ValueId, std::int64_t> kept_;  // their last readers
  std::vector<Values> values_;                      // by sample
  std::int64_t peak_bytes_ = 0;
};

/// As many samples, at most `most`, as leave the activations of two runs side by side in a gigabyte, by how many bytes the values of the
/// first sample take.
[[nodiscard]] std::int64_t affordable_samples(const Model& model, const CalibrationSamples& samples, std::int64_t most);

}  // namespace titrate::engine
