#include "datasets/prepared_dataset.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "datasets/description.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;

std::string shape_text(const std::vector<engine::Dimension>& shape) {
  Shape sizes;
  for (const engine::Dimension& dimension : shape) sizes.push_back(dimension.size);
  return engine::to_text(sizes);
}

std::string shown(const ExpectedInput& expected) { return cat("the model's input '", visible(expected.name), "'"); }

[[noreturn]] void throw_wrong_type(DataType type, const ExpectedInput& expected, const std::string& where) {
  throw_invalid(cat(shown(expected), " takes ", name_of(expected.info.type), ", but the data is ", name_of(type)), where,
                cat("add \"cast\": \"", name_of(expected.info.type), "\" to the input's description"));
}

bool type_fits(DataType type, const ExpectedInput& expected) {
  return expected.info.type == DataType::undefined || expected.info.type == type;
}

// What could make the sample fit.
std::string advice(const Shape& shape, const std::vector<engine::Dimension>& wanted) {
  if (!shape.empty() && shape[0] == 1 && !wanted.empty() && wanted[0].size > 1) {
    return cat("samples are fed one by one, so a batch that is fixed at ", wanted[0].size,
               " is not supported: export the model with a batch of 1 or one that is left open");
  }
  return "a description (.json) can change it by 'resize', 'crop', 'layout' or 'reshape'";
}

}  // namespace

bool fits(const Shape& shape, const ExpectedInput& expected) {
  if (!expected.info.shape) return true;
  return std::ranges::equal(shape, *expected.info.shape, [](std::int64_t size, const engine::Dimension& dimension) {
    return !dimension.known() || dimension.size == size;
  });
}

void check_fits(const Tensor& sample, const ExpectedInput& expected, const std::string& where) {
  if (!type_fits(sample.type(), expected)) throw_wrong_type(sample.type(), expected, where);
  if (fits(sample.shape(), expected)) return;
  const std::vector<engine::Dimension>& wanted = *expected.info.shape;
  throw_invalid(cat(shown(expected), " takes the shape ", shape_text(wanted), ", but a sample has ", engine::to_text(sample.shape())),
                where, advice(sample.shape(), wanted));
}

PreparedDataset::PreparedDataset(Parts parts) : parts_(std::move(parts)) {
  const std::int64_t rows = parts_.inputs.at(0).source->rows();
  std::tie(first_, last_) = parts_.range.value_or(std::pair<std::int64_t, std::int64_t>(0, rows));
  if (parts_.labels == nullptr) {
    for (const PreparedInput& input : parts_.inputs) {
      if (classes_ == nullptr && !input.source->classes().empty()) classes_ = input.source;
    }
  }
  check_counts();
  for (const PreparedInput& input : parts_.inputs) {
    // The type first: the rest could fail just because a number does not fit into the stored type.
    const DataType fed = input.preparation.cast.value_or(input.source->row(first_).type());
    if (!type_fits(fed, input.expected)) throw_wrong_type(fed, input.expected, input.source->place(first_));
  }
  (void)sample(0);
  if (has_labels()) (void)labels(0);
}

void PreparedDataset::check_counts() const {
  const PreparedInput& leading = parts_.inputs[0];
  const std::int64_t rows = leading.source->rows();
  for (const PreparedInput& input : parts_.inputs) {
    if (input.source->rows() == rows) continue;
    throw_invalid(cat("there are ", rows, " samples for '", visible(leading.expected.name), "', but ", input.source->rows(), " for '",
                      visible(input.expected.name), "'"),
                  parts_.where);
  }
  if (parts_.labels != nullptr && parts_.labels->rows() != rows) {
    throw_invalid(cat("there are ", rows, " samples, but labels for ", parts_.labels->rows()), parts_.labels->place(0),
                  "every sample of a source needs labels, even those outside the range");
  }
  if (last_ > rows) {
    throw_invalid(cat("the range [", first_, ", ", last_, "] goes beyond the last sample: there are ", rows), parts_.where);
  }
}

std::int64_t PreparedDataset::row_of(std::int64_t index) const {
  if (index < 0 || index >= size()) throw_invalid(cat("there is no sample ", index, ", only ", size()), parts_.where);
  return first_ + index;
}

std::vector<Tensor> PreparedDataset::sample(std::int64_t index) const {
  const std::int64_t row = row_of(index);
  std::vector<Tensor> tensors;
  for (const PreparedInput& input : parts_.inputs) {
    const std::string where = input.source->place(row);
    tensors.push_back(input.preparation.apply(input.source->row(row), where));
    check_fits(tensors.back(), input.expected, where);
  }
  return tensors;
}

Tensor PreparedDataset::labels(std::int64_t index) const {
  const std::int64_t row = row_of(index);
  if (classes_ != nullptr) return Tensor::of<std::int64_t>({1}, std::vector{classes_->class_of(row)});
  if (parts_.labels == nullptr) throw_invalid("the data has no labels", parts_.where);
  const Tensor stored = parts_.labels->row(row);
  const DataType type = engine::is_float(stored.type()) ? DataType::float32 : DataType::int64;
  const Tensor converted = convert(stored, type, cat("a label, ", parts_.labels->place(row)));
  return converted.rank() == 0 ? converted.reshaped({1}) : converted;
}

std::string PreparedDataset::place(std::int64_t index) const {
  const std::int64_t row = row_of(index);
  return parts_.labels != nullptr ? parts_.labels->place(row) : parts_.inputs[0].source->place(row);
}

std::string PreparedDataset::description() const {
  nlohmann::ordered_json json;
  for (const PreparedInput& input : parts_.inputs) {
    nlohmann::ordered_json& entry = json["inputs"][input.expected.name];
    entry["rows"] = input.source->rows();
    entry["preparation"] = nlohmann::ordered_json::parse(to_text(input.preparation));
    if (!input.source->classes().empty()) entry["classes"] = input.source->classes();
  }
  json["labels"] = classes_ != nullptr ? "folders" : parts_.labels != nullptr ? "source" : "none";
  json["range"] = {first_, last_};
  return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::vector<std::filesystem::path> PreparedDataset::files() const {
  std::vector<std::filesystem::path> all;
  const auto add = [&](const Source& source) {
    const std::vector<std::filesystem::path> files = source.files();
    all.insert(all.end(), files.begin(), files.end());
  };
  for (const PreparedInput& input : parts_.inputs) add(*input.source);
  if (parts_.labels != nullptr) add(*parts_.labels);
  return all;
}

}  // namespace titrate
