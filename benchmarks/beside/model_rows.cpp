#include <algorithm>
#include <cmath>

#include "benchmarks/beside/rows.hpp"
#include "benchmarks/beside/titrate_entry.hpp"
#include "engine/base/error.hpp"
#include "engine/onnx/read.hpp"
#include "tuner/random_inputs.hpp"
#include "tuner/running_plan.hpp"

namespace titrate::benchmarks {
namespace {

// Largest difference of the first outputs over the largest element; null where they cannot be compared.
nlohmann::ordered_json difference(const RowOptions& options, const engine::Model& model, const std::string& file,
                                  const std::vector<NamedInput>& inputs, const std::vector<engine::Tensor>& fed, std::int64_t batch) {
  if (options.onnxruntime == nullptr || batch > 1) return nullptr;  // a second sample would show nothing new
  try {
    const std::optional<std::vector<float>> theirs = options.onnxruntime->first_output(file, inputs);
    const engine::Tensor ours = engine::Executor(running_plan(model)).run(fed)[0];
    if (!theirs || ours.type() != engine::DataType::float32 || theirs->size() != ours.data<float>().size()) return nullptr;
    double largest = 0;
    double apart = 0;
    for (std::size_t index = 0; index < theirs->size(); ++index) {
      const double other = static_cast<double>((*theirs)[index]);
      largest = std::max(largest, std::abs(other));
      apart = std::max(apart, std::abs(other - static_cast<double>(ours.data<float>()[index])));
    }
    return largest > 0 ? nlohmann::ordered_json(apart / largest) : nlohmann::ordered_json(nullptr);
  } catch (const std::exception&) {
    return nullptr;  // the row itself says what is wrong
  }
}

}  // namespace

void model_row(const RowOptions& options, const std::string& name, const std::string& type, const std::string& file, std::int64_t batch) {
  const engine::Model model = engine::read_model(file);
  std::vector<NamedInput> inputs;
  std::vector<engine::Tensor> fed;
  for (const RandomInput& input : random_inputs(model.graph, batch, 0)) {
    inputs.push_back({input.name, input.tensor});
    fed.push_back(input.tensor);
  }
  std::vector<Entry> entries;
  try {
    entries.push_back({.name = "titrate", .contender = titrate_contender(running_plan(model), fed, options.threads, false), .remark = {}});
    entries.back().contender->run();
  } catch (const Error& error) {
    entries.clear();
    entries.push_back({.name = "titrate", .contender = nullptr, .remark = error.what()});
  }
  entries.push_back(onnxruntime_entry(options, file, inputs, false));
  const std::vector<Outcome> outcomes = take_turns(entries, options.turns);
  nlohmann::ordered_json row = {{"kind", "model"}, {"case", name}, {"type", type}, {"threads", options.threads}, {"batch", batch}};
  row["clock"] = options.turns.cpu_clock ? "cpu" : "wall";
  row["difference"] = difference(options, model, file, inputs, fed, batch);
  row["results"] = outcomes_json(outcomes);
  options.print(std::move(row));
}

}  // namespace titrate::benchmarks
