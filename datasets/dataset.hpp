// The user's data: samples as the model is fed with them, and labels. Read on demand, by several threads at once, in memory that does not
// grow with the number of samples.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate {

/// One model input, as the model declares it: for checking that the data fits.
struct ExpectedInput {
  std::string name;
  engine::ValueInfo info;
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;  ///< samples
  /// What is fed for one sample (0-based), in the order of the expected inputs, with its leading axis of 1 (or its `reshape`). Thread-safe.
  [[nodiscard]] virtual std::vector<engine::Tensor> sample(std::int64_t index) const = 0;
  [[nodiscard]] virtual bool has_labels() const = 0;
  /// The labels of one sample, in the shape they are stored with: int64 [L] (L labels: one a sample, or one a token) or [rows, columns]
  /// (boxes), or float32 targets. Thread-safe.
  [[nodiscard]] virtual engine::Tensor labels(std::int64_t index) const = 0;
  /// Everything that decides what the samples are, for hashing: description with defaults filled in, and the SHA-256 of each source is left
  /// to the caller.
  [[nodiscard]] virtual std::string description() const = 0;
  /// "row 3 of labels.npy", "cats/7.jpg": where a sample comes from, for messages.
  [[nodiscard]] virtual std::string place(std::int64_t index) const { return "sample " + std::to_string(index); }
  /// Every file that was read, in a fixed order, for hashing.
  [[nodiscard]] virtual std::vector<std::filesystem::path> files() const = 0;
};

struct DatasetRequest {
  std::string data;                   ///< what --data says: .npz, .npy, .json, a folder of pictures, or "embedded"
  std::optional<std::string> labels;  ///< what --labels says: any source; goes before labels that the data has of its own
  std::vector<ExpectedInput> inputs;  ///< of the model
};

/// Opens data and checks all that can be checked without reading every sample: sources, checksums, shapes, types, counts, range, label
/// types. Pictures after the first are checked when they are read.
/// Data that is given without a description (.npz, .npy, a folder of pictures) is cast to the type of the model's input (float inputs take
/// any numbers, integer inputs integers that fit), a sample is fed as [1, ...] or, where only that fits, as it is stored; pictures are
/// moved to [1, 3, H, W] where the input says so. Nothing is scaled: that needs a description.
/// A model whose batch is fixed at more than 1 is refused.
/// Throws Error(invalid) naming file, input and sizes, with a hint.
[[nodiscard]] std::shared_ptr<const Dataset> open_dataset(const DatasetRequest& request);

/// Samples [first, last) of another data set.
[[nodiscard]] std::shared_ptr<const Dataset> part_of(std::shared_ptr<const Dataset> whole, std::int64_t first, std::int64_t last);

/// The shapes of what is fed for the first sample.
[[nodiscard]] std::vector<engine::Shape> first_sample_shapes(const Dataset& dataset);

/// Throws Error(invalid) naming value and sample if a label is outside [0, classes); -100 (not counted) is allowed.
void check_labels(const Dataset& dataset, std::int64_t classes);

}  // namespace titrate
