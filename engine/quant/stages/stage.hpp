// What stages do to the float model: one file a stage, one row in table.cpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/calibration_samples.hpp"
#include "engine/quant/targets/read_target.hpp"

namespace titrate::engine {

/// What is said of nodes in their decisions, by node name.
using StageRemarks = std::map<std::string, std::vector<std::string>>;

struct StageContext {
  Model& model;
  const Config& config;
  const CalibrationSamples& samples;
  StageRemarks& remarks;
};

struct StageImplementation {
  std::string_view name;
  bool needs_calibration;
  /// Changes the model without changing what it computes, but for rounding. Null: the stage acts later (bias correction, finetuning).
  void (*prepare)(StageContext& context, const Stage& stage);
};

[[nodiscard]] std::span<const StageImplementation> stage_implementations();
[[nodiscard]] const StageImplementation& implementation_of(const Stage& stage);

/// The stage of this kind that a node takes part in, or null.
template <class Kind>
[[nodiscard]] const Kind* stage_of(const std::vector<Stage>& stages) {
  for (const Stage& stage : stages) {
    if (const Kind* found = std::get_if<Kind>(&stage)) return found;
  }
  return nullptr;
}

/// Every stage of a config and its overrides, in the order in which they act: the config's own first.
[[nodiscard]] std::vector<Stage> stages_of(const Config& config);

/// Whether stages of the config need calibration samples.
[[nodiscard]] bool stages_need_calibration(const Config& config);

/// The model as the stages of the config make it, and, for layers with scheme awq, with their inputs scaled. Throws Error(invalid) where a
/// stage needs samples and there are none.
[[nodiscard]] Model apply_stages(const Model& prepared, const Config& config, const CalibrationSamples& samples, StageRemarks& remarks,
                                 const Target& target = default_target());

/// Whether apply_stages() would change anything, and whether it needs samples for it.
[[nodiscard]] bool changes_model(const Model& prepared, const Config& config, const Target& target = default_target());
[[nodiscard]] bool changes_model_by_data(const Model& prepared, const Config& config, const Target& target = default_target());

extern const StageImplementation smoothquant_stage;
extern const StageImplementation equalize_stage;
extern const StageImplementation bias_correction_stage;
extern const StageImplementation finetune_stage;

/// Scales the inputs of layers with scheme awq; not a stage of its own, but a part of the scheme.
void scale_for_awq(StageContext& context);

}  // namespace titrate::engine
