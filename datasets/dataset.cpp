#include "datasets/dataset.hpp"

#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

class Part final : public Dataset {
 public:
  Part(std::shared_ptr<const Dataset> whole, std::int64_t first, std::int64_t last)
      : whole_(std::move(whole)), first_(first), last_(last) {}

  [[nodiscard]] std::int64_t size() const override { return last_ - first_; }
  [[nodiscard]] std::vector<engine::Tensor> sample(std::int64_t index) const override { return whole_->sample(in_whole(index)); }
  [[nodiscard]] bool has_labels() const override { return whole_->has_labels(); }
  [[nodiscard]] engine::Tensor labels(std::int64_t index) const override { return whole_->labels(in_whole(index)); }
  [[nodiscard]] std::string description() const override {
    return cat("{\"part\":[", first_, ",", last_, "],\"of\":", whole_->description(), "}");
  }
  [[nodiscard]] std::string place(std::int64_t index) const override { return whole_->place(in_whole(index)); }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return whole_->files(); }

 private:
  [[nodiscard]] std::int64_t in_whole(std::int64_t index) const {
    if (index < 0 || index >= size()) throw_invalid(cat("there is no sample ", index, ", only ", size()));
    return first_ + index;
  }

  std::shared_ptr<const Dataset> whole_;
  std::int64_t first_;
  std::int64_t last_;
};

}  // namespace

std::shared_ptr<const Dataset> part_of(std::shared_ptr<const Dataset> whole, std::int64_t first, std::int64_t last) {
  if (first < 0 || first >= last || last > whole->size()) {
    throw_invalid(cat("[", first, ", ", last, "] is no range of samples: there are ", whole->size()));
  }
  return std::make_shared<const Part>(std::move(whole), first, last);
}

std::vector<engine::Shape> first_sample_shapes(const Dataset& dataset) {
  std::vector<engine::Shape> shapes;
  for (const engine::Tensor& tensor : dataset.sample(0)) shapes.push_back(tensor.shape());
  return shapes;
}

void check_labels(const Dataset& dataset, std::int64_t classes) {
  constexpr std::int64_t not_counted = -100;
  if (!dataset.has_labels()) throw_invalid("the data has no labels", {}, "add \"labels\" to its description, or give --labels");
  for (std::int64_t index = 0; index < dataset.size(); ++index) {
    const engine::Tensor labels = dataset.labels(index);
    if (labels.type() != engine::DataType::int64) {
      throw_invalid("the labels are float targets, not the numbers of classes", dataset.place(index), "save them as integers");
    }
    for (const std::int64_t label : labels.data<std::int64_t>()) {
      if (label == not_counted || (label >= 0 && label < classes)) continue;
      throw_invalid(cat("the label ", label, " of sample ", index, " is none of the model's ", classes, " classes"), dataset.place(index),
                    cat("labels go from 0 to ", classes - 1, "; -100 stands for not counted"));
    }
  }
}

}  // namespace titrate
