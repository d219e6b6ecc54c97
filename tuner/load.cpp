#include "tuner/load.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/ops/operator.hpp"
#include "tuner/study/digest.hpp"

namespace titrate {

engine::Model load_runnable_model(const std::filesystem::path& file) {
  engine::Model model = engine::read_model(file);
  const std::vector<std::string> unsupported = engine::unsupported_operators(model);
  if (!unsupported.empty()) {
    throw_invalid(cat("the model uses operators that titrate does not know: ", join(unsupported, ", ")), file.string(),
                  "export the model with other operators; `titrate inspect` lists them");
  }
  return model;
}

std::vector<ExpectedInput> expected_inputs(const engine::Model& model) {
  std::vector<ExpectedInput> inputs;
  for (const engine::ValueId id : model.graph.inputs)
    inputs.push_back({.name = model.graph[id].name, .info = model.graph[id].info.value_or(engine::ValueInfo{})});
  return inputs;
}

std::shared_ptr<const Dataset> load_data(const engine::Model& model, const std::string& data, const std::optional<std::string>& labels) {
  return open_dataset({.data = data, .labels = labels, .inputs = expected_inputs(model)});
}

DataSplit split_data(std::shared_ptr<const Dataset> data, std::shared_ptr<const Dataset> calibration) {
  if (calibration != nullptr) return {.evaluation = std::move(data), .calibration = std::move(calibration), .taken = 0};
  // A tenth, and no more than ranges need (NNCF takes 300 samples).
  const std::int64_t size = data->size();
  const std::int64_t taken = std::min<std::int64_t>(300, std::max<std::int64_t>(1, size / 10));
  if (size < 2)
    throw_invalid("the data has a single sample: none is left for evaluation when one calibrates", "--data",
                  "give more samples, or --calibration");
  return {.evaluation = part_of(data, taken, size), .calibration = part_of(data, 0, taken), .taken = taken};
}

std::string fingerprint(const Dataset& data) {
  Sha256 digest;
  digest.update(data.description()).update(cat("\n", data.size(), "\n"));
  for (const std::filesystem::path& file : data.files()) digest.update(sha256_of_file(file));
  return digest.hex();
}

std::string fingerprint(const std::filesystem::path& model_file, const engine::Model& model) {
  Sha256 digest;
  digest.update(sha256_of_file(model_file));
  engine::for_each_constant(model.graph, [&](const std::string&, const engine::Tensor& tensor) { digest.update(tensor.bytes()); });
  return digest.hex();
}

}  // namespace titrate
