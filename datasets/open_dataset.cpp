// From the words of the command line to a data set.
#include <algorithm>
#include <utility>

#include "datasets/dataset.hpp"
#include "datasets/description.hpp"
#include "datasets/embedded/embedded.hpp"
#include "datasets/prepared_dataset.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
namespace fs = std::filesystem;

std::string names_of(const std::vector<ExpectedInput>& inputs) {
  std::vector<std::string> names;
  for (const ExpectedInput& input : inputs) names.push_back(cat("'", visible(input.name), "'"));
  return join(names, ", ");
}

// For data without a description: the type that the model's input wants, if no number can be lost or changed in silence.
std::optional<DataType> automatic_cast(DataType stored, DataType wanted) {
  const bool whole = engine::is_integer(stored) || stored == DataType::boolean;
  const bool allowed = is_convertible(wanted) && (engine::is_float(wanted) || (engine::is_integer(wanted) && whole));
  return allowed ? std::optional(wanted) : std::nullopt;
}

PreparedInput without_description(const ExpectedInput& expected, std::shared_ptr<const Source> source) {
  Preparation preparation;
  const engine::Tensor first = source->row(0);
  preparation.cast = automatic_cast(first.type(), expected.info.type);
  engine::Shape batched = first.shape();
  batched.insert(batched.begin(), 1);
  preparation.add_batch_axis = fits(batched, expected) || !fits(first.shape(), expected);
  return {expected, std::move(source), preparation};
}

PreparedInput pictures_without_description(const ExpectedInput& expected, std::shared_ptr<const Source> source) {
  PreparedInput input = without_description(expected, std::move(source));
  const auto& shape = expected.info.shape;
  const bool channels_first = shape && shape->size() == 4 && (*shape)[1].size == 3 && (*shape)[3].size != 3;
  if (channels_first) input.preparation.layout = LayoutChange::channels_first;
  return input;
}

const ExpectedInput& only_input(const DatasetRequest& request) {
  if (request.inputs.size() == 1) return request.inputs[0];
  throw_invalid(
      cat("the model has ", request.inputs.size(), " inputs (", names_of(request.inputs), "), which one file of samples cannot feed"),
      visible(request.data), "give an .npz with an array for each of them, or a description (.json)");
}

PreparedDataset::Parts from_description(const DatasetRequest& request) {
  const fs::path file = request.data;
  const fs::path base = file.parent_path();
  const std::string where = visible(file.string());
  const Description description = read_description(file);
  const auto described = [&](const std::string& name) { return std::ranges::find(description.inputs, name, &InputDescription::name); };
  for (const InputDescription& input : description.inputs) {
    if (std::ranges::find(request.inputs, input.name, &ExpectedInput::name) == request.inputs.end()) {
      throw_invalid(cat("the model has no input '", visible(input.name), "'"), where, cat("its inputs are ", names_of(request.inputs)));
    }
  }
  PreparedDataset::Parts parts{{}, nullptr, description.range, where};
  for (const ExpectedInput& expected : request.inputs) {
    const auto input = described(expected.name);
    if (input == description.inputs.end()) {
      throw_invalid(cat("the description says nothing of the model's input '", visible(expected.name), "'"), where);
    }
    try {
      parts.inputs.push_back({expected, open_source(input->source, base), input->preparation});
    } catch (Error& error) {
      error.in(cat("the source of input '", visible(expected.name), "' in ", where));
      throw;
    }
  }
  if (description.labels && !request.labels) parts.labels = open_source(*description.labels, base);
  return parts;
}

PreparedDataset::Parts from_npz(const DatasetRequest& request) {
  const fs::path file = request.data;
  const std::string where = visible(file.string());
  const NpzArchive archive(file);
  const auto open = [&](const std::string& name) { return array_source(archive.open(name), file, cat(where, ":", visible(name))); };
  PreparedDataset::Parts parts{{}, nullptr, std::nullopt, where};
  for (const ExpectedInput& expected : request.inputs) {
    if (!archive.contains(expected.name)) {
      throw_invalid(
          cat("the archive has no array for the model's input '", visible(expected.name), "', only ", visible(join(archive.names(), ", "))),
          where, "name the arrays after the inputs, or write a description (.json) that says which is which");
    }
    parts.inputs.push_back(without_description(expected, open(expected.name)));
  }
  const bool is_input = std::ranges::find(request.inputs, "labels", &ExpectedInput::name) != request.inputs.end();
  if (!request.labels && !is_input && archive.contains("labels")) parts.labels = open("labels");
  return parts;
}

PreparedDataset::Parts from_one_source(const DatasetRequest& request) {
  const ExpectedInput& expected = only_input(request);
  const auto source = open_source(request.data, {});
  const bool folder = fs::is_directory(request.data);
  return {{folder ? pictures_without_description(expected, source) : without_description(expected, source)},
          nullptr,
          std::nullopt,
          visible(request.data)};
}

// The one place that knows of data inside the program.
std::shared_ptr<const Dataset> open_embedded(const DatasetRequest& request) {
  if (request.labels) throw_invalid("the embedded data has labels of its own", "embedded", "leave out --labels");
  auto dataset = embedded_dataset();
  check_fits(dataset->sample(0).at(0), only_input(request), "embedded");
  return dataset;
}

}  // namespace

std::shared_ptr<const Dataset> open_dataset(const DatasetRequest& request) {
  if (request.data == "embedded") return open_embedded(request);
  if (request.inputs.empty()) throw_invalid("the model has no inputs, so data cannot feed it", visible(request.data));
  const bool described = request.data.ends_with(".json");
  PreparedDataset::Parts parts = described                        ? from_description(request)
                                 : request.data.ends_with(".npz") ? from_npz(request)
                                                                  : from_one_source(request);
  if (request.labels) parts.labels = open_source(*request.labels, {});
  try {
    return std::make_shared<const PreparedDataset>(std::move(parts));
  } catch (Error& error) {
    if (described) error.in(visible(request.data));
    throw;
  }
}

}  // namespace titrate
