// Everything between a config and its QDQ model: stages, statistics, codes, biases, conversion. What serves several configs is kept.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/quant/convert.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

/// Runs a part of the work and tells whoever wants to know how it is called: "stages", "calibrate", "weights", "biases", "finetune",
/// "convert".
using PhaseRunner = std::function<void(const std::string& phase, const std::function<void()>& work)>;

struct ConvertedModel {
  engine::Model reference;  ///< the float model as the config's stages made it: what the candidate's layers are compared with
  engine::Conversion conversion;
};

/// Whether a config needs calibration data: for ranges of activations, inputs of layers, or stages.
[[nodiscard]] bool needs_data(const engine::Model& prepared, const Config& config, const engine::Target& target = engine::default_target());

class Converter {
 public:
  /// `prepared` comes from prepare_float_model() and must outlive this. Without calibration data, configs that need it are Error(invalid).
  /// `configs`: those that are expected; if one of them needs histograms they are collected at once for all.
  Converter(const engine::Model& prepared, std::shared_ptr<const Dataset> calibration, engine::WeightForm form,
            const std::vector<Config>& configs = {}, engine::Target target = engine::default_target());

  [[nodiscard]] ConvertedModel convert(const Config& config, const LoopControl& control, const PhaseRunner& run = run_quietly);

  /// Runs the work and tells nobody.
  static void run_quietly(const std::string&, const std::function<void()>& work) { work(); }

 private:
  const engine::CalibrationStatistics& shared_statistics(const Config& config, const LoopControl& control, const PhaseRunner& run);

  const engine::Model& prepared_;
  std::shared_ptr<const Dataset> calibration_;
  engine::WeightForm form_;
  engine::Target target_;
  bool expects_histograms_;
  std::optional<engine::CalibrationStatistics> statistics_;  // of the prepared model
  bool has_histograms_ = false;
};

}  // namespace titrate
