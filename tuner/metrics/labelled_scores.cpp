#include "tuner/metrics/labelled_scores.hpp"

#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr std::int64_t ignored_label = -100;

}  // namespace

void for_each_label(const SampleResult& sample, const std::function<void(std::span<const float> scores, std::size_t label)>& visit) {
  const engine::Tensor& scores = sample.outputs[0];
  if (scores.type() != engine::DataType::float32) {
    throw_invalid(cat("the first output holds ", engine::name_of(scores.type()), ": metrics with labels need float32 scores"));
  }
  const std::vector<std::int64_t> labels = engine::to_integers(*sample.labels);
  const auto rows = static_cast<std::int64_t>(labels.size());
  if (rows == 0 || scores.elements() % rows != 0 || scores.elements() == 0) {
    throw_invalid(cat("a sample has ", rows, " labels, but the first output has the shape ", engine::to_text(scores.shape())), "labels",
                  "there must be one row of class scores for each label");
  }
  const auto classes = static_cast<std::size_t>(scores.elements() / rows);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] == ignored_label) continue;
    if (labels[row] < 0 || labels[row] >= static_cast<std::int64_t>(classes)) {
      throw_invalid(cat("the label ", labels[row], " is outside the ", classes, " classes of the model (0 to ", classes - 1, ")"),
                    "labels");
    }
    visit(scores.data<float>().subspan(row * classes, classes), static_cast<std::size_t>(labels[row]));
  }
}

}  // namespace titrate
