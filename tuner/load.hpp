// Opens a model and the data that goes with it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/graph/graph.hpp"

namespace titrate {

/// Reads a model and holds its operators against what can run: Error(invalid) names all that cannot.
[[nodiscard]] engine::Model load_runnable_model(const std::filesystem::path& file);

[[nodiscard]] std::vector<ExpectedInput> expected_inputs(const engine::Model& model);

[[nodiscard]] std::shared_ptr<const Dataset> load_data(const engine::Model& model, const std::string& data,
                                                       const std::optional<std::string>& labels = std::nullopt);

/// Evaluation and calibration data. Without data of its own, calibration is the first part of the evaluation data, which is left out of
/// evaluation.
struct DataSplit {
  std::shared_ptr<const Dataset> evaluation;
  std::shared_ptr<const Dataset> calibration;
  std::int64_t taken = 0;  ///< samples that calibration took from the data; 0: it has data of its own
};
[[nodiscard]] DataSplit split_data(std::shared_ptr<const Dataset> data, std::shared_ptr<const Dataset> calibration);

/// SHA-256 over the description and the contents of all files: what the data is, wherever it lies.
[[nodiscard]] std::string fingerprint(const Dataset& data);
/// SHA-256 over the model file and its external data.
[[nodiscard]] std::string fingerprint(const std::filesystem::path& model_file, const engine::Model& model);

}  // namespace titrate
