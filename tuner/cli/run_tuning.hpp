// What tune and demo share: options resolved into a tuning run, and its result printed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/cli/command.hpp"

namespace titrate::cli {

struct TuneOptions {
  std::string model;
  std::string data;
  std::optional<std::string> labels;
  std::optional<std::string> calibration;
  std::optional<std::string> metric;
  std::optional<std::string> metric_command;
  std::optional<std::string> score_command;
  std::optional<bool> higher_is_better;
  double metric_timeout = 3600;
  double tolerable_loss = 0.01;
  std::string loss = "relative";
  std::vector<std::string> configs = {"all"};
  std::string strategy = "exhaustive";
  int max_trials = 100;
  std::optional<double> timeout;
  std::string objective = "first";
  std::optional<std::string> study;
  bool fresh = false;
  std::optional<std::string> output;
  std::optional<std::string> report;
  std::string form = "qdq";
  std::string target = "onnxruntime";
  std::string model_type = "any";
  std::uint64_t seed = 0;
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

/// Runs and prints the result; returns 0 (met), 4 (not met) or 130 (interrupted); throws Error.
int run_tuning(const TuneOptions& options, const Invocation& invocation);

}  // namespace titrate::cli
