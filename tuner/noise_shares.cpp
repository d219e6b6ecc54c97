#include "tuner/noise_shares.hpp"

#include "engine/base/error.hpp"

namespace titrate {

using engine::Executor;
using engine::LayerChange;
using engine::LayerForm;
using engine::Plan;

namespace {

constexpr std::int64_t most_kept = 64;

}  // namespace

OutputNoise::OutputNoise(const ComparedModels& models, const Dataset& data, std::int64_t samples, const LoopControl& control)
    : models_(models), data_(data), samples_(samples), control_(control), float_plan_(std::make_shared<const Plan>(models.reference)) {
  if (samples > most_kept) return;
  wanted_.resize(static_cast<std::size_t>(samples));
  const auto run = [&](int, std::int64_t index) {
    wanted_[static_cast<std::size_t>(index)] = Executor(float_plan_).run(data.sample(index));
  };
  for_each_sample(samples, control, run, [](std::int64_t) {});
}

LikenessSums OutputNoise::of_model(const engine::Model& model) const {
  const auto plan = std::make_shared<const Plan>(model);
  const std::vector<std::size_t> inputs = input_order(models_.reference.graph, model.graph);
  const std::vector<std::size_t> outputs = output_order(models_.reference.graph, model.graph);
  std::vector<LikenessSums> results(static_cast<std::size_t>(samples_));
  const auto run = [&](int, std::int64_t index) {
    const auto place = static_cast<std::size_t>(index);
    const std::vector<engine::Tensor> sample = data_.sample(index);
    const std::vector<engine::Tensor> wanted = wanted_.empty() ? Executor(float_plan_).run(sample) : wanted_[place];
    const std::vector<engine::Tensor> own = Executor(plan).run(in_order(sample, inputs));
    for (std::size_t output = 0; output < own.size(); ++output) results[place] += likeness_sums(wanted[outputs[output]], own[output]);
  };
  LikenessSums sums;
  for_each_sample(samples_, control_, run, [&](std::int64_t index) { sums += results[static_cast<std::size_t>(index)]; });
  return sums;
}

std::optional<LikenessSums> OutputNoise::of(std::span<const LayerChange> changes, bool rest_as_it_is) const {
  std::optional<engine::Model> model;
  try {
    model = engine::change_layers(models_.reference, models_.quantized, models_.match, changes, rest_as_it_is);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid) throw;
    return std::nullopt;
  }
  return of_model(*model);
}

std::optional<LikenessSums> OutputNoise::of_one(std::size_t layer) const {
  std::vector<LayerChange> changes(models_.match.layers.size());
  for (std::size_t index = 0; index < changes.size(); ++index) {
    if (index != layer) changes[index].form = LayerForm::put_back;
  }
  return of(changes, false);
}

}  // namespace titrate
