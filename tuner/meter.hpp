// A meter gives a candidate its number: a built-in metric, a command of the user's, or a function of the user's.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/run/executor.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

/// A model to be measured: the float model, or what was read back from a candidate's file.
struct Candidate {
  std::filesystem::path file;  ///< the .onnx on disk: the user's own file for the float model
  std::shared_ptr<const engine::Plan> plan;
};

struct Measurement {
  double value = 0;  ///< may be NaN or infinite: the loop makes that a failed trial
  std::int64_t samples = 0;
  std::optional<std::int64_t> correct;  ///< where the metric counts
};

class Meter {
 public:
  virtual ~Meter() = default;
  /// What a study is of: the metric's name, or the command.
  [[nodiscard]] virtual std::string name() const = 0;
  /// If the user does not say otherwise.
  [[nodiscard]] virtual bool higher_is_better() const = 0;
  /// It reads data of its own, so that Error(invalid) may mean the data; a command or function of the user's does not.
  [[nodiscard]] virtual bool measures_data() const { return false; }
  /// Throws Error if the candidate cannot be measured; Error(interrupted) if cancelled.
  [[nodiscard]] virtual Measurement measure(const Candidate& candidate, const LoopControl& control) = 0;
};

}  // namespace titrate
