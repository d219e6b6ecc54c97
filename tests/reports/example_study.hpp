// Studies for the tests of the reports: an everyday one, and one in which every text is hostile.
#pragma once

#include <limits>
#include <string>

#include "tuner/study/trial.hpp"

namespace titrate::example {

inline LayerDecision layer(std::string name, std::string type, std::string scheme, std::string reason, std::optional<double> sqnr_db,
                           std::int64_t float_bytes, std::int64_t stored_bytes) {
  return {std::move(name), std::move(type), std::move(scheme), std::move(reason), sqnr_db, float_bytes, stored_bytes};
}

/// The loss follows from the metric; the state from the loss.
inline TrialRecord measured(int number, std::string config, double metric, std::int64_t size_bytes, double seconds,
                            const Baseline& baseline, const Goal& goal) {
  TrialRecord trial;
  trial.number = number;
  trial.config = std::move(config);
  trial.metric = metric;
  trial.loss = loss_of(metric, baseline.metric, goal);
  trial.state = *trial.loss <= goal.tolerable_loss ? TrialState::passed : TrialState::failed_goal;
  trial.samples_evaluated = baseline.samples;
  trial.size_bytes = size_bytes;
  trial.seconds = seconds;
  trial.started_at = "2026-01-02T03:04:05Z";
  trial.phases = {{"convert", seconds * 0.125}, {"write", seconds * 0.0625}, {"evaluate", seconds * 0.75}};
  trial.layers = {layer("conv1", "Conv", "float", "the override name:conv1 keeps it float", std::nullopt, 1152, 1152),
                  layer("conv2", "Conv", trial.config, "", 24.5 + number, 18432, 3456),
                  layer("fc", "Gemm", trial.config, "3 bits are stored in int4", 31.25, 5120, 960)};
  trial.execution = {{"conv1", "Conv", false, "its input 'image' is not quantized", 903168},
                     {"conv2", "Conv", true, "", 3612672},
                     {"pool", "MaxPool", true, "", 0},
                     {"fc", "Gemm", false, "no DequantizeLinear in front of it", std::nullopt}};
  return trial;
}

/// Eight trials of a digit classifier: three pass, four fail the goal or break, one was cut off. Trial 4 is the smallest that passes.
inline StudyRecord everyday() {
  StudyRecord study;
  study.goal = {.tolerable_loss = 0.01, .loss = LossKind::relative, .higher_is_better = true, .objective = Objective::size};
  study.baseline = Baseline{"top1", 0.9887, 10000, 26512, 0.75, 2.5};
  const auto add = [&](const std::string& config, double metric, std::int64_t size_bytes, double seconds) {
    const int number = static_cast<int>(study.trials.size()) + 1;
    study.trials.push_back(measured(number, config, metric, size_bytes, seconds, *study.baseline, study.goal));
  };
  add("rtn(bits=2,sym=false)", 0.4312, 8120, 2.25);
  add("rtn(bits=3,sym=false)", 0.9701, 11020, 2.125);
  add("rtn(group_size=128)", 0.9744, 10480, 2.0);
  add("rtn(sym=false)", 0.9876, 11024, 2.0625);
  add("static_int8(calibrator=entropy)", 0.9881, 13110, 3.5);
  add("static_int8()", 0.9884, 13110, 1.75);
  study.trials[5].latency_ms = 0.40625;
  study.trials[5].latency_noise_ms = 0.015625;
  TrialRecord broken;
  broken.number = 7;
  broken.config = "fp8()";
  broken.state = TrialState::error;
  broken.reason = "the metric command ended with exit code 1:\nTraceback (most recent call last):\n  ValueError: no labels";
  broken.seconds = 0.5;
  broken.phases = {{"convert", 0.25}};
  study.trials.push_back(broken);
  TrialRecord cut;
  cut.number = 8;
  cut.config = "dynamic_int8()";
  cut.state = TrialState::interrupted;
  cut.seconds = 0.125;
  study.trials.push_back(cut);
  study.verdict = "met";
  study.output = "digits.titrate.onnx";
  study.command = "titrate tune digits.onnx --data 'digits data.json' --tolerable-loss 0.01 --objective size";
  study.identity = {{"model", "digits.onnx"},
                    {"model_sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                    {"data", "digits data.json"},
                    {"metric", "top1"},
                    {"seed", "0"}};
  study.provenance = {{"version", "0.1.0"}, {"compiler", "GCC 12.2.0"}, {"cpu", "AMD EPYC"}, {"instruction set", "avx2"}, {"threads", "2"}};
  return study;
}

/// ESC, OSC 52, C1, bidi overrides, markup, table separators, line breaks and bytes that are no UTF-8.
inline std::string hostile_name() {
  return "a\x1b[31m\x1b]52;c;AAAA\x07|b`c``\\|<script>alert(1)</script><!--\xc2\x9b"
         "2J\xe2\x80\xae"
         "txt\xe2\x81\xa6\n\r\n# head \"x\" 'y' & [z](javascript:1) @someone \xff\xc3";
}

/// The everyday study with the hostile name in place of every text.
inline StudyRecord hostile() {
  const std::string name = hostile_name();
  StudyRecord study = everyday();
  for (Facts* facts : {&study.identity, &study.provenance}) {
    for (auto& [key, value] : *facts) key = value = name;
  }
  study.baseline->metric_name = name;
  study.output = study.command = name;
  for (TrialRecord& trial : study.trials) {
    trial.config = trial.reason = trial.started_at = name;
    for (PhaseTime& phase : trial.phases) phase.phase = name;
    for (LayerDecision& layer : trial.layers) layer.name = layer.type = layer.scheme = layer.reason = name;
    for (NodeExecution& node : trial.execution) node.name = node.type = node.reason = name;
  }
  return study;
}

/// Numbers that no measurement should give, but a program might.
inline StudyRecord not_finite() {
  StudyRecord study = everyday();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  study.baseline->latency_ms = nan;
  study.baseline->seconds = -infinity;
  study.trials[0].metric = nan;
  study.trials[0].loss = nan;
  study.trials[1].loss = infinity;
  study.trials[2].seconds = nan;
  study.trials[2].phases[0].seconds = infinity;
  study.trials[3].layers[1].sqnr_db = infinity;
  study.trials[4].layers[1].sqnr_db = nan;
  study.trials[5].latency_ms = infinity;
  study.trials[5].latency_noise_ms = nan;
  study.trials[6].size_bytes = -1;
  return study;
}

inline StudyRecord many(int trials) {
  StudyRecord study = everyday();
  study.trials.clear();
  for (int number = 1; number <= trials; ++number) {
    const double quality = (number * 7919 % 1000) / 1000.0;
    study.trials.push_back(measured(number, "rtn(group_size=" + std::to_string(number) + ")", 0.9887 - 0.05 * quality * quality,
                                    9000 + 9 * (number * 104729 % 1500), 1 + quality, *study.baseline, study.goal));
  }
  return study;
}

}  // namespace titrate::example
