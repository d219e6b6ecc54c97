#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/stages/stage.hpp"

namespace titrate::engine {
namespace {

bool has_awq(const Model& model, const Config& config, const Target& target) {
  const std::vector<Assignment> assignments = assign(model.graph, config, target);
  return std::any_of(assignments.begin(), assignments.end(),
                     [](const Assignment& each) { return std::holds_alternative<AwqScheme>(each.scheme); });
}

}  // namespace

std::span<const StageImplementation> stage_implementations() {
  static const std::vector<StageImplementation> rows = {smoothquant_stage, equalize_stage, bias_correction_stage, finetune_stage};
  return rows;
}

const StageImplementation& implementation_of(const Stage& stage) {
  const auto rows = stage_implementations();
  return *std::find_if(rows.begin(), rows.end(), [&](const StageImplementation& row) { return row.name == stage_name(stage); });
}

std::vector<Stage> stages_of(const Config& config) {
  std::vector<Stage> all = config.stages;
  const auto add = [&](const Stage& stage) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Stage& other) { return other.index() == stage.index(); });
    if (!known) all.push_back(stage);
  };
  for (const Override& each : config.overrides) std::for_each(each.stages.begin(), each.stages.end(), add);
  return all;
}

bool stages_need_calibration(const Config& config) {
  const std::vector<Stage> stages = stages_of(config);
  return std::any_of(stages.begin(), stages.end(), [](const Stage& stage) { return implementation_of(stage).needs_calibration; });
}

bool changes_model(const Model& prepared, const Config& config, const Target& target) {
  const std::vector<Stage> stages = stages_of(config);
  const bool prepares =
      std::any_of(stages.begin(), stages.end(), [](const Stage& stage) { return implementation_of(stage).prepare != nullptr; });
  return prepares || has_awq(prepared, config, target);
}

bool changes_model_by_data(const Model& prepared, const Config& config, const Target& target) {
  return stages_need_calibration(config) || has_awq(prepared, config, target);
}

Model apply_stages(const Model& prepared, const Config& config, const CalibrationSamples& samples, StageRemarks& remarks,
                   const Target& target) {
  Model model = prepared;
  StageContext context{.model = model, .config = config, .samples = samples, .remarks = remarks};
  for (const Stage& stage : stages_of(config)) {
    const StageImplementation& implementation = implementation_of(stage);
    if (implementation.needs_calibration && samples.count == 0)
      throw_invalid(cat(implementation.name, " needs calibration data"), {}, "give samples of the model's inputs with --calibration");
    if (implementation.prepare != nullptr) implementation.prepare(context, stage);
  }
  if (has_awq(model, config, target)) scale_for_awq(context);
  return model;
}

}  // namespace titrate::engine
