// Resolves the options of tune into a study and a tuning run, and says how it ended.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "datasets/embedded/embedded.hpp"
#include "engine/base/atomic_file.hpp"
#include "engine/base/cpu.hpp"
#include "engine/base/text.hpp"
#include "engine/config/built_in_sets.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/targets/model_type.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "reports/json_document.hpp"
#include "reports/report.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/progress_listener.hpp"
#include "tuner/cli/run_tuning.hpp"
#include "tuner/cli/terminal.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/cli/weight_form.hpp"
#include "tuner/command_meter.hpp"
#include "tuner/load.hpp"
#include "tuner/metric_meter.hpp"
#include "tuner/running_plan.hpp"
#include "tuner/tuning.hpp"
#include "tuner/version.hpp"

namespace titrate::cli {
namespace {

std::filesystem::path default_path(const std::string& model, const std::string& suffix) {
  return std::filesystem::path(model).stem().string() + ".titrate" + suffix;
}

std::vector<Config> configs_of(const TuneOptions& options) {
  std::vector<Config> configs;
  for (const std::string& text : options.configs) {
    for (Config& config : parse_config_set(text)) configs.push_back(std::move(config));
  }
  return configs;
}

// Whoever names a set leaves it to titrate what to quantize; a text means what it says.
bool are_sets(const std::vector<std::string>& texts) {
  return std::ranges::all_of(texts, [](const std::string& text) { return config_set_named(trim(text)) != nullptr; });
}

std::shared_ptr<Meter> meter_of(const TuneOptions& options, const std::shared_ptr<const Dataset>& data, const engine::Model& model) {
  if (options.metric_command) return make_command_meter(*options.metric_command, options.metric_timeout);
  if (options.score_command) return make_score_meter(*options.score_command, options.metric_timeout, data);
  const MetricRow& metric = metric_named(options.metric.value_or(data->has_labels() ? "top1" : "sqnr"));
  std::shared_ptr<const engine::Plan> float_plan;
  if (metric.needs_reference) float_plan = running_plan(model);
  return make_metric_meter(metric, data, float_plan);
}

Goal goal_of(const TuneOptions& options, const Meter& meter) {
  if (!std::isfinite(options.tolerable_loss)) throw_usage("--tolerable-loss must be a number", shortest(options.tolerable_loss));
  const Objective objective = options.objective == "size"      ? Objective::size
                              : options.objective == "latency" ? Objective::latency
                                                               : Objective::first;
  return {.tolerable_loss = options.tolerable_loss,
          .loss = options.loss == "absolute" ? LossKind::absolute : LossKind::relative,
          .higher_is_better = options.higher_is_better.value_or(meter.higher_is_better()),
          .objective = objective};
}

// Null: calibration takes the first part of the data.
std::shared_ptr<const Dataset> calibration_of(const TuneOptions& options, const engine::Model& model) {
  const std::string source = options.calibration.value_or(options.data == "embedded" ? options.data : "");
  if (source == "embedded") return embedded_calibration();
  return source.empty() ? std::shared_ptr<const Dataset>() : load_data(model, source);
}

// What must be the same to go on with a study.
Facts identity_of(const TuneOptions& options, const engine::Model& model, const DataSplit& split, const Meter& meter, const Goal& goal) {
  Facts facts = {{"model", "sha256:" + fingerprint(options.model, model)},
                 {"data", "sha256:" + fingerprint(*split.evaluation)},
                 {"calibration", "sha256:" + fingerprint(*split.calibration)},
                 {"metric", meter.name()},
                 {"direction", goal.higher_is_better ? "higher is better" : "lower is better"},
                 {"form", options.form}};
  // Studies from before there were targets are for the default one.
  if (options.target != engine::default_target().name) facts.emplace_back("target", options.target);
  if (options.model_type != "any") facts.emplace_back("model type", options.model_type);
  return facts;
}

Facts provenance_of(const TuneOptions& options, const engine::Model& model, const DataSplit& split) {
  return {{"version", std::string(version())},
          {"compiler", "GCC " __VERSION__},
          {"processor", processor_name()},
          {"instruction set", std::string(name_of(selected_isa()))},
          {"arithmetic", "candidates run on integers where they can"},
          {"threads", std::to_string(thread_count(options.threads))},
          {"model file", options.model},
          {"data file", options.data},
          {"calibration file", options.calibration.value_or(cat("the first ", split.taken, " samples of the data"))},
          {"evaluation samples", std::to_string(split.evaluation->size())},
          {"calibration samples", std::to_string(split.calibration->size())},
          {"opset", std::to_string(model.opset())},
          {"producer", cat(model.producer_name, " ", model.producer_version)},
          {"configs", join(options.configs, " ; ")},
          {"strategy", options.strategy},
          {"seed", std::to_string(options.seed)}};
}

Study open_study(const TuneOptions& options, const std::filesystem::path& path, const StudyRecord& beginning, TuningListener& listener) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && options.fresh) {
    listener.note(cat("the study that was there is kept as ", Study::move_aside(path).string()));
  } else if (std::filesystem::exists(path, ignored)) {
    Study study = Study::open(path, beginning.identity);
    const std::size_t trials = study.record().trials.size();
    if (trials > 0) listener.note(cat("going on with ", path.string(), ": ", trials, " trials are there"));
    return study;
  }
  return Study::create(path, beginning);
}

int exit_code(const StudyRecord& study) { return study.verdict == "met" ? 0 : study.verdict == "not_met" ? 4 : 130; }

void print_result(const TuneOptions& options, const Study& study) {
  const StudyRecord& record = study.record();
  if (options.json) {
    const TrialRecord* best = best_trial(record.trials, record.goal.objective);
    nlohmann::ordered_json document = {{"schema", 1}, {"verdict", record.verdict}, {"baseline", baseline_json(record.baseline)}};
    document["best"] = best == nullptr ? nlohmann::ordered_json(nullptr) : trial_json(*best);
    document["trials"] = record.trials.size();
    document["output"] = record.output;
    document["study"] = study.path().string();
    print_json(document);
    return;
  }
  print_text(report_named("terminal").render(record, terminal_report_options(STDOUT_FILENO)));
  print_text(cat("Study:  ", visible(study.path().string()), "\n"));
  if (options.report) print_text(cat("Report: ", visible(*options.report), "\n"));
}

void write_report(const TuneOptions& options, const StudyRecord& study) {
  if (options.report) write_file_atomically(*options.report, std::string_view(report_named("html").render(study, {})));
}

}  // namespace

int run_tuning(const TuneOptions& options, const Invocation& invocation) {
  const engine::Target target =
      engine::for_model_type(engine::find_target(options.target), options.model_type);  // before anything is read or written
  const std::vector<Config> configs = configs_of(options);
  auto strategy = make_strategy(options.strategy);
  const engine::Model model = load_runnable_model(options.model);
  const auto data = load_data(model, options.data, options.labels);
  const auto own_calibration = calibration_of(options, model);
  const DataSplit split = split_data(data, own_calibration);
  const std::shared_ptr<Meter> meter = meter_of(options, split.evaluation, model);
  const Goal goal = goal_of(options, *meter);
  ProgressListener listener(options.quiet);
  if (split.taken > 0)
    listener.note(
        cat("the first ", split.taken, " samples of the data calibrate and are left out of evaluation (--calibration gives others)"));
  const std::filesystem::path study_path = options.study ? std::filesystem::path(*options.study) : default_path(options.model, ".db");
  StudyRecord beginning;
  beginning.identity = identity_of(options, model, split, *meter, goal);
  beginning.provenance = provenance_of(options, model, split);
  beginning.goal = goal;
  beginning.command = invocation.shell_line();
  Study study = open_study(options, study_path, beginning, listener);
  study.set_provenance(beginning.provenance);
  study.set_command(beginning.command);
  listener.begin(goal, study.record());
  const TuningSetup setup{.float_model = model,
                          .float_file = options.model,
                          .float_bytes = engine::stored_bytes(options.model),
                          .configs = configs,
                          .with_tables = are_sets(options.configs),
                          .goal = goal,
                          .calibration = split.calibration,
                          .meter = meter,
                          .strategy = std::move(strategy),
                          .form = weight_form(options.form),
                          .target = target,
                          .max_trials = options.max_trials,
                          .time_limit_seconds = options.timeout,
                          .seed = options.seed,
                          .threads = thread_count(options.threads),
                          .output = options.output ? std::filesystem::path(*options.output) : default_path(options.model, ".onnx"),
                          .cancelled = interrupted};
  try {
    tune(setup, study, listener);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::nothing_usable) write_report(options, study.record());
    if (error.code() != ErrorCode::interrupted) throw;
    study.set_verdict("interrupted");
  }
  listener.finish();
  write_report(options, study.record());
  print_result(options, study);
  if (study.record().verdict == "interrupted")
    std::cerr << "interrupted; every finished trial is kept. To go on:\n  " << visible(invocation.resuming_line()) << '\n';
  return exit_code(study.record());
}

}  // namespace titrate::cli
