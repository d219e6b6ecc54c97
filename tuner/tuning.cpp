#include "tuner/tuning.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <set>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/passes/lower.hpp"
#include "engine/quant/node_selection.hpp"
#include "tuner/calibration.hpp"
#include "tuner/candidate_store.hpp"
#include "tuner/conversion.hpp"
#include "tuner/latency.hpp"
#include "tuner/running_plan.hpp"

namespace titrate {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Samples over which a node's own SQNR is measured: enough for two digits, a fraction of an evaluation.
constexpr std::int64_t sensitivity_samples = 16;

LayerDecision layer_decision(const engine::NodeDecision& decision) {
  return {.name = decision.name,
          .type = decision.type,
          .scheme = decision.scheme,
          .reason = decision.reason,
          .sqnr_db = decision.sqnr_db,
          .float_bytes = decision.float_bytes,
          .stored_bytes = decision.stored_bytes};
}

// Costs are those of the first sample, where there is data.
std::vector<NodeExecution> execution_of(engine::Model candidate, const Dataset* data) {
  const std::vector<engine::Shape> shapes = data == nullptr ? std::vector<engine::Shape>{} : first_sample_shapes(*data);
  std::vector<NodeExecution> execution;
  for (engine::LoweredNode& node : engine::lower(candidate, shapes).nodes) {
    execution.push_back({.name = std::move(node.name),
                         .type = std::move(node.type),
                         .integer = node.integer,
                         .reason = std::move(node.reason),
                         .multiply_accumulates = node.multiply_accumulates});
  }
  return execution;
}

class Tuner {
 public:
  Tuner(const TuningSetup& setup, Study& study, TuningListener& listener)
      : setup_(setup),
        study_(study),
        listener_(listener),
        store_(setup.output),
        space_(prepare_space(setup.float_model, setup.configs, setup.target)),
        converter_(space_.prepared, setup.calibration, setup.form, space_.space.configs, setup.target) {}

  void run() {
    store_.check_output();
    if (space_.duplicates > 0) listener_.note(cat(space_.duplicates, " configs make the same model as one before them and are left out"));
    measure_baseline();
    study_.set_goal(setup_.goal);
    restore_best();
    while (const auto config = cancelled() ? std::nullopt : next_config()) {
      if (!run_trial(*config)) break;
    }
    if (cancelled()) return study_.set_verdict("interrupted");
    conclude();
  }

 private:
  [[nodiscard]] bool cancelled() const { return setup_.cancelled && setup_.cancelled(); }

  LoopControl control() {
    return {.threads = setup_.threads,
            .progress = [this](std::int64_t done, std::int64_t total) { listener_.samples(done, total); },
            .cancelled = setup_.cancelled};
  }

  void measure_baseline() {
    if (study_.record().baseline) return;
    listener_.baseline_started();
    const auto begin = Clock::now();
    Baseline baseline{.metric_name = setup_.meter->name(),
                      .metric = 0,
                      .samples = 0,
                      .size_bytes = static_cast<std::int64_t>(setup_.float_bytes),
                      .latency_ms = std::nullopt,
                      .seconds = 0};
    const auto plan = running_plan(setup_.float_model);
    try {
      const Measurement measured = setup_.meter->measure({.file = setup_.float_file, .plan = plan}, control());
      baseline.metric = measured.value;
      baseline.samples = measured.samples;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid || setup_.meter->measures_data()) throw;
      throw Error(ErrorCode::baseline_failed, cat("the metric failed on the float model: ", error.message()), error.where(), error.hint());
    }
    if (!std::isfinite(baseline.metric)) {
      throw Error(ErrorCode::baseline_failed,
                  cat("the metric ", setup_.meter->name(), " is ", shortest(baseline.metric), " on the float model"), {},
                  "check the data and the metric");
    }
    (void)loss_of(baseline.metric, baseline.metric, setup_.goal);  // relative to 0 is refused before any trial
    if (setup_.goal.objective == Objective::latency) {
      const Latency latency = latency_of(plan);
      baseline.latency_ms = latency.median_ms;
      baseline.latency_noise_ms = latency.noise_ms;
    }
    baseline.seconds = seconds_since(begin);
    study_.set_baseline(baseline);
    listener_.baseline_finished(baseline);
  }

  // Of the first calibration sample.
  [[nodiscard]] Latency latency_of(const std::shared_ptr<const engine::Plan>& plan) const {
    if (setup_.calibration == nullptr)
      throw_usage("--objective latency needs data to run the model on", {}, "give --data or --calibration");
    return measure_latency(plan, setup_.calibration->sample(0), {.threads = setup_.threads, .cancelled = setup_.cancelled});
  }

  [[nodiscard]] std::vector<TrialRecord> finished() const {
    std::vector<TrialRecord> trials;
    for (const TrialRecord& trial : study_.record().trials) {
      if (is_finished(trial.state)) trials.push_back(trial);
    }
    return trials;
  }

  std::optional<Config> next_config() {
    const std::vector<TrialRecord> history = finished();
    const bool passed =
        std::any_of(history.begin(), history.end(), [](const TrialRecord& trial) { return trial.state == TrialState::passed; });
    const Goal& goal = study_.record().goal;
    if (passed && goal.objective == Objective::first && !setup_.strategy->narrows_down()) return std::nullopt;
    if (std::ssize(history) >= setup_.max_trials) return std::nullopt;
    if (setup_.time_limit_seconds && seconds_since(begin_) >= *setup_.time_limit_seconds) {
      listener_.note("the time limit is reached");
      return std::nullopt;
    }
    return setup_.strategy->next(space_.space, history, goal, setup_.seed);
  }

  // Measures one config; false if it was interrupted.
  bool run_trial(const Config& config) {
    TrialRecord trial;
    trial.config = to_text(config);
    trial.number = study_.begin_trial(trial.config);
    const auto begin = Clock::now();
    listener_.trial_started(trial.number, at_most(), trial.config);
    try {
      measure(config, trial);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        trial.state = TrialState::interrupted;
        trial.reason = "interrupted";
        trial.seconds = seconds_since(begin);
        study_.finish_trial(std::move(trial));
        return false;
      }
      fail(trial, error.what());
    } catch (const std::bad_alloc&) {
      fail(trial, "not enough memory for this trial");
    } catch (const std::exception& error) {
      fail(trial, error.what());
    }
    trial.seconds = seconds_since(begin);
    publish_if_best(trial);
    const TrialRecord stored = study_.finish_trial(std::move(trial));
    kept_model_.reset();
    listener_.trial_finished(stored, best_trial(study_.record().trials, study_.record().goal.objective), study_.record().goal,
                             *study_.record().baseline);
    return true;
  }

  static void fail(TrialRecord& trial, const std::string& reason) {
    trial.state = TrialState::error;
    trial.reason = reason;
    trial.metric.reset();
    trial.loss.reset();
  }

  [[nodiscard]] int at_most() const {
    const auto known = static_cast<int>(space_.space.configs.size());
    return setup_.strategy->narrows_down() ? setup_.max_trials
                                           : std::min(setup_.max_trials, std::max(known, static_cast<int>(study_.record().trials.size())));
  }

  template <class Work>
  auto timed(TrialRecord& trial, const std::string& phase, Work&& work) {
    listener_.phase(phase);
    const auto begin = Clock::now();
    auto result = work();
    trial.phases.push_back({.phase = phase, .seconds = seconds_since(begin)});
    return result;
  }

  void measure(const Config& config, TrialRecord& trial) {
    ConvertedModel candidate = converted(config, trial);
    engine::Conversion& conversion = candidate.conversion;
    if (!engine::quantizes_anything(conversion))
      throw_invalid(cat("the config ", trial.config, " quantizes nothing: its overrides leave every layer float"));
    // What is measured is what is written: the candidate is read back from its file.
    const auto plan = timed(trial, "write", [&] {
      engine::save_model(conversion.model, store_.file());
      trial.size_bytes = static_cast<std::int64_t>(engine::stored_bytes(store_.file()));
      engine::Model written = engine::read_model(store_.file());
      trial.execution = execution_of(written, setup_.calibration.get());
      return running_plan(std::move(written));
    });
    if (setup_.calibration != nullptr) {
      timed(trial, "sensitivity", [&] {
        measure_sensitivity(candidate.reference, conversion, *setup_.calibration, sensitivity_samples,
                            {.threads = setup_.threads, .progress = {}, .cancelled = setup_.cancelled});
        return 0;
      });
    }
    for (const engine::NodeDecision& decision : conversion.decisions) trial.layers.push_back(layer_decision(decision));
    const Measurement measured =
        timed(trial, "evaluate", [&] { return setup_.meter->measure({.file = store_.file(), .plan = plan}, control()); });
    judge(measured, trial);
    if (study_.record().goal.objective == Objective::latency) {
      const Latency latency = timed(trial, "latency", [&] { return latency_of(plan); });
      trial.latency_ms = latency.median_ms;
      trial.latency_noise_ms = latency.noise_ms;
    }
    kept_model_ = std::move(conversion.model);
  }

  void judge(const Measurement& measured, TrialRecord& trial) const {
    trial.samples_evaluated = measured.samples;
    if (!std::isfinite(measured.value)) throw_invalid(cat("the metric is ", shortest(measured.value), " (nan or infinite)"));
    const Goal& goal = study_.record().goal;
    trial.metric = measured.value;
    trial.loss = loss_of(measured.value, study_.record().baseline->metric, goal);
    trial.state = *trial.loss <= goal.tolerable_loss ? TrialState::passed : TrialState::failed_goal;
  }

  ConvertedModel converted(const Config& config, TrialRecord& trial) {
    return converter_.convert(config, control(), [&](const std::string& phase, const std::function<void()>& work) {
      timed(trial, phase, [&] {
        work();
        return 0;
      });
    });
  }

  // The best model is on disk before its trial is recorded as finished.
  void publish_if_best(const TrialRecord& trial) {
    if (!kept_model_ || !trial.metric) return;
    std::vector<TrialRecord> trials = finished();
    trials.push_back(trial);
    const TrialRecord* best = best_trial(trials, study_.record().goal.objective);
    if (best == nullptr || best->number == published_) return;
    if (best->number != trial.number) return publish_again(*best);
    store_.publish(*kept_model_);
    record_published(*best);
  }

  // A new fastest trial can make an older one the best again (is_faster), whose model is no longer at hand.
  void publish_again(const TrialRecord& best) {
    TrialRecord scratch;
    store_.publish(converted(parse_config(best.config), scratch).conversion.model);
    record_published(best);
  }

  void record_published(const TrialRecord& best) {
    published_ = best.number;
    study_.set_output(setup_.output.string());
  }

  // The output may be gone, older (killed between writing and recording) or that of another goal: it is made again from the best trial's
  // config.
  void restore_best() {
    const TrialRecord* best = best_trial(study_.record().trials, study_.record().goal.objective);
    if (best != nullptr) publish_again(*best);
  }

  void conclude() {
    const TrialRecord* best = best_trial(study_.record().trials, study_.record().goal.objective);
    study_.set_verdict(best != nullptr && best->state == TrialState::passed ? "met" : "not_met");
    if (best == nullptr) {
      const std::vector<TrialRecord>& trials = study_.record().trials;
      const std::string first = trials.empty()
                                    ? "no config was tried"
                                    : cat("trial ", trials.front().number, ", ", trials.front().config, ": ", trials.front().reason);
      throw Error(ErrorCode::nothing_usable, cat("no trial gave a usable model; ", first), {},
                  "see `titrate trials` for the reason of each");
    }
  }

  const TuningSetup& setup_;
  Study& study_;
  TuningListener& listener_;
  CandidateStore store_;
  PreparedSpace space_;
  Clock::time_point begin_ = Clock::now();
  Converter converter_;
  std::optional<engine::Model> kept_model_;  // of the trial in flight
  int published_ = 0;                        // the trial whose model is at the output
};

}  // namespace

PreparedSpace prepare_space(const engine::Model& float_model, const std::vector<Config>& configs, const engine::Target& target) {
  PreparedSpace result{.space = {}, .prepared = engine::prepare_float_model(float_model), .duplicates = 0};
  std::vector<NamedNode> nodes;
  for (const engine::Node& node : result.prepared.graph.nodes) nodes.push_back({node.name, node.type});
  std::set<std::string> seen;
  for (const Config& config : configs) {
    check_overrides(config, nodes);
    const Config resolved = engine::resolve_selectors(result.prepared.graph, config);
    const auto assignments = engine::assign(result.prepared.graph, resolved, target);
    if (result.space.nodes.empty()) {
      for (const auto& each : assignments)
        result.space.nodes.push_back({.name = each.decision.name, .type = each.decision.type, .weight_bytes = each.decision.float_bytes});
    }
    if (seen.insert(engine::assignment_key(assignments, resolved)).second) {
      result.space.configs.push_back(config);
    } else {
      ++result.duplicates;
    }
  }
  return result;
}

void tune(const TuningSetup& setup, Study& study, TuningListener& listener) { Tuner(setup, study, listener).run(); }

}  // namespace titrate
