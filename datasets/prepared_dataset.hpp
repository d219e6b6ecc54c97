// A data set made of sources, what is done to their samples, and labels.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datasets/dataset.hpp"
#include "datasets/preparation.hpp"
#include "datasets/source.hpp"

namespace titrate {

/// What one input of the model is fed with.
struct PreparedInput {
  ExpectedInput expected;
  std::shared_ptr<const Source> source;
  Preparation preparation;
};

/// Throws Error(invalid) unless a prepared sample has the type and the known sizes of the model's input.
void check_fits(const engine::Tensor& sample, const ExpectedInput& expected, const std::string& where);
/// The same as an answer.
[[nodiscard]] bool fits(const engine::Shape& shape, const ExpectedInput& expected);

class PreparedDataset final : public Dataset {
 public:
  struct Parts {
    std::vector<PreparedInput> inputs;     ///< in the order of the model's inputs
    std::shared_ptr<const Source> labels;  ///< null: none, or the classes of a folder
    std::optional<std::pair<std::int64_t, std::int64_t>> range;
    std::string where;  ///< the data's file, for messages
  };
  /// Checks counts, range, the first sample and the first labels.
  explicit PreparedDataset(Parts parts);

  [[nodiscard]] std::int64_t size() const override { return last_ - first_; }
  [[nodiscard]] std::vector<engine::Tensor> sample(std::int64_t index) const override;
  [[nodiscard]] bool has_labels() const override { return parts_.labels != nullptr || classes_ != nullptr; }
  [[nodiscard]] engine::Tensor labels(std::int64_t index) const override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string place(std::int64_t index) const override;
  [[nodiscard]] std::vector<std::filesystem::path> files() const override;

 private:
  void check_counts() const;
  [[nodiscard]] std::int64_t row_of(std::int64_t index) const;

  Parts parts_;
  std::shared_ptr<const Source> classes_;  ///< the source whose sub-folders are the labels
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace titrate
