// The user's own metric: a program that measures a model, or one that scores the model's outputs (INTERFACES: 1. Commands).
#pragma once

#include <memory>
#include <string>

#include "datasets/dataset.hpp"
#include "tuner/meter.hpp"

namespace titrate {

/// --metric-cmd: {model} becomes the candidate's path, {out} a file for the result. The value is {"value": x} in that file, else the last
/// line of stdout as JSON or as a number. Exit 75: tried again. Anything else is Error(invalid) with the tail of what the program said.
/// Throws Error(usage) for a command that cannot be split into words or started.
[[nodiscard]] std::unique_ptr<Meter> make_command_meter(std::string command, double time_limit_seconds);

/// --score-cmd: the same, but titrate runs the model on `data` and hands over {outputs}: an .npz with one array for each output, samples
/// first, and `labels`.
[[nodiscard]] std::unique_ptr<Meter> make_score_meter(std::string command, double time_limit_seconds, std::shared_ptr<const Dataset> data);

}  // namespace titrate
