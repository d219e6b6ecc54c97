// titrate::autotune: the tuning loop with a function of the caller's as the metric.
#include <omp.h>

#include <cmath>
#include <utility>

#include "engine/base/temporary_folder.hpp"
#include "engine/base/text.hpp"
#include "engine/config/built_in_sets.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/targets/model_type.hpp"
#include "tuner/load.hpp"
#include "tuner/model_parts.hpp"
#include "tuner/tuning.hpp"

namespace titrate {
namespace {

class FunctionMeter final : public Meter {
 public:
  FunctionMeter(const EvaluationFunction& evaluate, bool higher_is_better) : evaluate_(evaluate), higher_is_better_(higher_is_better) {}

  [[nodiscard]] std::string name() const override { return "function"; }
  [[nodiscard]] bool higher_is_better() const override { return higher_is_better_; }

  [[nodiscard]] Measurement measure(const Candidate& candidate, const LoopControl&) override {
    const Model model = Model::load(candidate.file);
    double value = 0;
    try {
      value = evaluate_(model);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw_invalid(cat("the evaluation function threw: ", error.what()));
    }
    return {.value = value, .samples = 0, .correct = std::nullopt};
  }

 private:
  const EvaluationFunction& evaluate_;
  bool higher_is_better_;
};

Goal goal_of(const TuneOptions& options) {
  if (options.objective != "first" && options.objective != "size" && options.objective != "latency") {
    throw_usage(cat("there is no objective '", options.objective, "'"), "TuneOptions::objective", "first, size or latency");
  }
  return {.tolerable_loss = options.tolerable_loss,
          .loss = options.relative_loss ? LossKind::relative : LossKind::absolute,
          .higher_is_better = options.higher_is_better,
          .objective = options.objective == "first"  ? Objective::first
                       : options.objective == "size" ? Objective::size
                                                     : Objective::latency};
}

Trial public_trial(const TrialRecord& record) {
  return {.number = record.number,
          .config = record.config,
          .state = std::string(name_of(record.state)),
          .metric = record.metric,
          .loss = record.loss,
          .size_bytes = record.size_bytes,
          .reason = record.reason};
}

Study open_study(const std::filesystem::path& path, const Model& model, const std::filesystem::path& float_file, const TuneOptions& options,
                 const Goal& goal) {
  StudyRecord beginning;
  beginning.identity = {{"model", "sha256:" + fingerprint(float_file, model.parts().model)},
                        {"calibration", options.calibration ? "sha256:" + fingerprint(*options.calibration->dataset()) : "none"},
                        {"metric", "function"},
                        {"direction", goal.higher_is_better ? "higher is better" : "lower is better"}};
  if (options.target != engine::default_target().name) beginning.identity.emplace_back("target", options.target);
  beginning.goal = goal;
  return std::filesystem::exists(path) ? Study::open(path, beginning.identity) : Study::create(path, beginning);
}

}  // namespace

TuneResult autotune(const Model& model, const TuneOptions& options, const EvaluationFunction& evaluate) {
  const TemporaryFolder work;  // for what the caller does not want to keep
  const auto place = [&](const std::filesystem::path& wanted, const char* name) { return wanted.empty() ? work.path() / name : wanted; };
  std::filesystem::path float_file = model.parts().file;
  if (float_file.empty()) {
    float_file = work.path() / "float.onnx";
    model.save(float_file);
  }
  const Goal goal = goal_of(options);
  const std::filesystem::path output = place(options.output, "best.onnx");
  Study study = open_study(place(options.study, "study.db"), model, float_file, options, goal);
  const TuningSetup setup{.float_model = model.parts().model,
                          .float_file = float_file,
                          .float_bytes = model.size_bytes(),
                          .configs = parse_config_set(options.config_set),
                          .with_tables = config_set_named(trim(options.config_set)) != nullptr,
                          .goal = goal,
                          .calibration = options.calibration ? options.calibration->dataset() : nullptr,
                          .meter = std::make_shared<FunctionMeter>(evaluate, options.higher_is_better),
                          .strategy = make_strategy(options.strategy),
                          .form = engine::WeightForm::qdq,
                          .target = engine::for_model_type(engine::find_target(options.target), options.model_type),
                          .max_trials = options.max_trials,
                          .time_limit_seconds = options.timeout_seconds,
                          .seed = options.seed,
                          .threads = options.threads > 0 ? options.threads : omp_get_num_procs(),
                          .output = output,
                          .cancelled = {}};
  TuningListener listener;
  TuneResult result;
  try {
    tune(setup, study, listener);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::nothing_usable) throw;
  }
  for (const TrialRecord& record : study.record().trials) result.trials.push_back(public_trial(record));
  result.baseline = study.record().baseline->metric;
  result.met = study.record().verdict == "met";
  if (const TrialRecord* best = best_trial(study.record().trials, goal.objective)) {
    result.best = public_trial(*best);
    // The mapped bytes stay, also when the file was a temporary one.
    result.model = make_model(engine::read_model(output));
  }
  return result;
}

}  // namespace titrate
