// A small study for the tests, and a folder of its own for each test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/study/study.hpp"

namespace titrate {

class StudyTest : public testing::Test {
 protected:
  StudyTest() {
    // Hundreds of commits that wait for a disk are slow; one in memory syncs at once.
    std::string name = (access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : testing::TempDir()) + "study_test_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    path_ = folder_ / "study.db";
  }
  ~StudyTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

inline Facts example_identity() { return {{"model", "mnist"}, {"data", "digits"}, {"metric", "top1"}}; }

inline StudyRecord example_beginning() {
  return {.identity = example_identity(),
          .provenance = {{"version", "0.1.0"}, {"threads", "2"}},
          .goal = {.tolerable_loss = 0.01, .loss = LossKind::relative, .higher_is_better = true, .objective = Objective::size},
          .baseline = std::nullopt,
          .trials = {},
          .verdict = "",
          .output = "",
          .command = "titrate tune mnist.onnx --data digits.npz"};
}

inline Baseline example_baseline() { return {"top1", 0.5, 1000, 4'000'000, 1.25, 2.5, 0.125}; }

inline TrialRecord example_trial(int number, const std::string& config, double metric) {
  TrialRecord trial;
  trial.number = number;
  trial.config = config;
  trial.metric = metric;
  trial.loss = (0.5 - metric) / 0.5;
  trial.state = *trial.loss <= 0.01 ? TrialState::passed : TrialState::failed_goal;
  trial.samples_evaluated = 1000;
  trial.size_bytes = 1'000'000 + number;
  trial.latency_ms = 0.1 + number;
  trial.latency_noise_ms = 0.01 * number;
  trial.seconds = 3.25;
  trial.reason = "a remark";
  trial.phases = {{"convert", 0.125}, {"evaluate", 3.0}};
  trial.layers = {{"conv\n<1>", "Conv", config, "", 1.0 / 3.0, 4096, 640},
                  {"fc", "Gemm", "float", "a name: keeps it float", std::nullopt, 40, 40}};
  trial.execution = {{"conv\n<1>", "Conv", true, "", 73728}, {"fc", "Gemm", false, "its weights are float", std::nullopt}};
  return trial;
}

/// Begins and finishes the next trial.
inline void add_trial(Study& study, const std::string& config, double metric) {
  study.finish_trial(example_trial(study.begin_trial(config), config, metric));
}

/// All of a record as text, to compare two.
inline std::string text_of(const TrialRecord& trial) {
  const auto number = [](const auto& value) { return value ? shortest(static_cast<double>(*value)) : std::string("none"); };
  std::string text = cat(trial.number, " ", trial.config, " ", name_of(trial.state), " ", number(trial.metric), " ", number(trial.loss),
                         " ", number(trial.samples_evaluated), " ", number(trial.size_bytes), " ", number(trial.latency_ms), " ",
                         number(trial.latency_noise_ms), " ", trial.seconds, " ", trial.started_at, " ", trial.reason);
  for (const PhaseTime& phase : trial.phases) text += cat("\n  ", phase.phase, " ", shortest(phase.seconds));
  for (const LayerDecision& layer : trial.layers) {
    text += cat("\n  ", layer.name, " ", layer.type, " ", layer.scheme, " ", layer.reason, " ", number(layer.sqnr_db), " ",
                layer.float_bytes, " ", layer.stored_bytes);
  }
  for (const NodeExecution& node : trial.execution)
    text += cat("\n  ", node.name, " ", node.type, " ", node.integer, " ", node.reason, " ", number(node.multiply_accumulates));
  return text;
}

inline std::string text_of(const StudyRecord& study) {
  std::string text = cat(study.goal.tolerable_loss, name_of(study.goal.loss), study.goal.higher_is_better, name_of(study.goal.objective),
                         " ", study.verdict, " ", study.output, " ", study.command);
  for (const Facts* facts : {&study.identity, &study.provenance}) {
    for (const auto& [name, value] : *facts) text += cat("\n", name, "=", value);
  }
  if (study.baseline) text += cat("\nbaseline ", study.baseline->metric_name, " ", shortest(study.baseline->metric));
  for (const TrialRecord& trial : study.trials) text += "\n" + text_of(trial);
  return text;
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// The Error that the call throws; a failed test if it throws none.
template <class Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::internal, "no error");
}

}  // namespace titrate
