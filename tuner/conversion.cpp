#include "tuner/conversion.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/bias_correction/correct_biases.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/finetune/finetune.hpp"
#include "engine/quant/node_selection.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weights/solve_layers.hpp"
#include "tuner/calibration.hpp"
#include "tuner/calibration_samples.hpp"

namespace titrate {
namespace {

bool wants_histogram(const Scheme& scheme) {
  const auto of = [](CalibratorKind kind) { return engine::calibrator(kind).needs_histogram; };
  if (const auto* integer = std::get_if<StaticInt8Scheme>(&scheme)) return of(integer->calibrator);
  if (const auto* fp8 = std::get_if<Fp8Scheme>(&scheme)) return of(fp8->calibrator);
  return false;
}

bool wants_histogram(const Config& config) {
  return wants_histogram(config.scheme) ||
         std::any_of(config.overrides.begin(), config.overrides.end(), [](const Override& each) { return wants_histogram(each.scheme); });
}

void add_remarks(engine::Conversion& conversion, const engine::StageRemarks& remarks) {
  for (engine::NodeDecision& decision : conversion.decisions) {
    const auto found = remarks.find(decision.name);
    if (found == remarks.end() || decision.scheme == "float") continue;
    for (const std::string& remark : found->second) decision.remark(remark);
  }
}

}  // namespace

bool needs_data(const engine::Model& prepared, const Config& config, const engine::Target& target) {
  return engine::changes_model_by_data(prepared, config, target) || engine::needs_calibration(prepared, config, target) ||
         engine::needs_layer_inputs(prepared, config, target);
}

Converter::Converter(const engine::Model& prepared, std::shared_ptr<const Dataset> calibration, engine::WeightForm form,
                     const std::vector<Config>& configs, engine::Target target)
    : prepared_(prepared),
      calibration_(std::move(calibration)),
      form_(form),
      target_(std::move(target)),
      expects_histograms_(std::any_of(configs.begin(), configs.end(), [](const Config& each) { return wants_histogram(each); })) {}

const engine::CalibrationStatistics& Converter::shared_statistics(const Config& config, const LoopControl& control,
                                                                  const PhaseRunner& run) {
  const bool histograms = wants_histogram(config);
  if (!statistics_ || (histograms && !has_histograms_)) {
    has_histograms_ = histograms || expects_histograms_;
    run("calibrate", [&] { statistics_ = collect_statistics(prepared_, *calibration_, has_histograms_, control, target_); });
  }
  return *statistics_;
}

ConvertedModel Converter::convert(const Config& unresolved, const LoopControl& control, const PhaseRunner& run) {
  const Config config = engine::resolve_selectors(prepared_.graph, unresolved);
  if (calibration_ == nullptr && needs_data(prepared_, config, target_))
    throw_invalid(cat(to_text(config), " needs calibration data"), {}, "give --calibration");
  const engine::CalibrationSamples samples =
      calibration_ == nullptr ? engine::CalibrationSamples{} : calibration_samples(*calibration_, control);
  ConvertedModel candidate{.reference = prepared_, .conversion = {}};
  engine::StageRemarks remarks;
  const bool staged = engine::changes_model(prepared_, config, target_);
  if (staged) run("stages", [&] { candidate.reference = engine::apply_stages(prepared_, config, samples, remarks, target_); });
  engine::CalibrationStatistics own;
  if (engine::needs_calibration(candidate.reference, config, target_)) {
    if (!staged) own = shared_statistics(config, control, run);
    if (staged)
      run("calibrate", [&] { own = collect_statistics(candidate.reference, *calibration_, wants_histogram(config), control, target_); });
  }
  engine::WeightSolutions solutions;
  if (calibration_ != nullptr && engine::uses_layer_inputs(candidate.reference, config, target_))
    run("weights", [&] { solutions = engine::solve_layers(candidate.reference, config, samples, target_); });
  engine::CorrectedModel corrected{.model = candidate.reference, .statistics = {}};
  if (engine::corrects_biases(config)) {
    run("biases", [&] { corrected = engine::correct_biases(candidate.reference, config, own, solutions, samples, remarks, target_); });
  } else {
    corrected.statistics = std::move(own);
  }
  if (engine::finetunes(config)) {
    run("finetune", [&] {
      engine::FinetunedModel trained = engine::finetune({.reference = candidate.reference,
                                                         .start = corrected.model,
                                                         .config = config,
                                                         .statistics = corrected.statistics,
                                                         .solutions = solutions,
                                                         .samples = samples,
                                                         .target = target_},
                                                        remarks);
      corrected.model = std::move(trained.model);
      corrected.statistics = std::move(trained.statistics);
      solutions = std::move(trained.solutions);
    });
  }
  run("convert", [&] { candidate.conversion = engine::convert(corrected.model, config, corrected.statistics, solutions, form_, target_); });
  add_remarks(candidate.conversion, remarks);
  return candidate;
}

}  // namespace titrate
