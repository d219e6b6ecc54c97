#include "tuner/titrate.hpp"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/convert.hpp"
#include "tuner/conversion.hpp"
#include "tuner/evaluation.hpp"
#include "tuner/load.hpp"
#include "tuner/model_parts.hpp"
#include "tuner/running_plan.hpp"

namespace titrate {
namespace {

LoopControl all_processors() { return {.threads = omp_get_num_procs(), .progress = {}, .cancelled = {}}; }

}  // namespace

Data Data::open(const std::string& source, const Model& model) {
  Data data;
  data.dataset_ = load_data(model.parts().model, source);
  return data;
}

std::int64_t Data::size() const { return dataset_->size(); }

Model Model::load(const std::filesystem::path& file) {
  auto parts = std::make_shared<Parts>();
  parts->model = load_runnable_model(file);
  parts->file = file;
  parts->size_bytes = engine::stored_bytes(file);
  return Model(std::move(parts));
}

Model make_model(engine::Model model) {
  auto parts = std::make_shared<Model::Parts>();
  parts->size_bytes = engine::write_model(model).size();
  parts->model = std::move(model);
  return Model(std::move(parts));
}

std::shared_ptr<const engine::Plan> Model::Parts::plan() const {
  std::call_once(prepared_, [this] { plan_ = running_plan(model); });
  return plan_;
}

void Model::save(const std::filesystem::path& file) const { engine::save_model(parts().model, file); }

std::uint64_t Model::size_bytes() const { return parts().size_bytes; }

std::vector<Array> Model::run(const std::vector<Array>& inputs) const {
  std::vector<engine::Tensor> tensors;
  for (const Array& input : inputs) tensors.push_back(engine::Tensor::of<float>(input.shape, input.values));
  engine::Executor executor(parts().plan());
  std::vector<Array> outputs;
  for (const engine::Tensor& output : executor.run(tensors)) {
    if (output.type() != engine::DataType::float32) throw_invalid(cat("an output holds ", engine::name_of(output.type()), ", not float32"));
    const auto values = output.data<float>();
    outputs.push_back({.shape = output.shape(), .values = {values.begin(), values.end()}});
  }
  return outputs;
}

double Model::evaluate(const Data& data, const std::string& metric, const Model* reference) const {
  const MetricRow& row = metric_named(metric);
  if (!row.needs_reference) return titrate::evaluate(parts().plan(), *data.dataset(), row, nullptr, all_processors()).value;
  if (reference == nullptr)
    throw_usage(cat("the metric ", metric, " compares with a float model"), "evaluate()", "pass the float model as reference");
  const ReferenceOutputs wanted(reference->parts().plan(), *data.dataset(), all_processors());
  return titrate::evaluate(parts().plan(), *data.dataset(), row, &wanted, all_processors()).value;
}

struct Prepared::Parts {
  engine::Model model;
  Config config;
  std::shared_ptr<const Dataset> calibration;
  engine::Target target;
};

Prepared prepare(const Model& model, const std::string& config, const std::string& target) {
  auto parts = std::make_shared<Prepared::Parts>();
  parts->target = engine::find_target(target);
  parts->config = parse_config(config);
  parts->model = engine::prepare_float_model(model.parts().model);
  std::vector<NamedNode> nodes;
  for (const engine::Node& node : parts->model.graph.nodes) nodes.push_back({node.name, node.type});
  check_overrides(parts->config, nodes);
  return Prepared(std::move(parts));
}

void calibrate(Prepared& prepared, const Data& data) { prepared.parts().calibration = data.dataset(); }

Model convert(const Prepared& prepared) {
  const Prepared::Parts& parts = prepared.parts();
  Converter converter(parts.model, parts.calibration, engine::WeightForm::qdq, {parts.config}, parts.target);
  return make_model(converter.convert(parts.config, all_processors()).conversion.model);
}

}  // namespace titrate
