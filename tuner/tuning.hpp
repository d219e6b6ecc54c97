// The loop: propose, convert, write, read back, measure, record, until the goal is met or the budget is spent.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/convert.hpp"
#include "strategies/strategy.hpp"
#include "tuner/meter.hpp"
#include "tuner/study/study.hpp"

namespace titrate {

/// Hears what the loop does; called by one thread at a time.
class TuningListener {
 public:
  virtual ~TuningListener() = default;
  virtual void baseline_started() {}
  virtual void baseline_finished(const Baseline&) {}
  virtual void trial_started(int /*number*/, int /*at_most*/, const std::string& /*config*/) {}
  virtual void phase(const std::string& /*name*/) {}
  virtual void samples(std::int64_t /*done*/, std::int64_t /*total*/) {}
  virtual void trial_finished(const TrialRecord&, const TrialRecord* /*best*/, const Goal&, const Baseline&) {}
  virtual void note(const std::string& /*text*/) {}
};

struct TuningSetup {
  engine::Model float_model;         ///< as it was read
  std::filesystem::path float_file;  ///< where it was read from: metric commands get this path for the baseline
  std::uint64_t float_bytes = 0;     ///< its size with external data
  std::vector<Config> configs;       ///< in the order to try
  bool with_tables = false;          ///< configs that do not speak of embeddings quantize them too (engine/quant/table_overrides.hpp)
  Goal goal;
  std::shared_ptr<const Dataset> calibration;  ///< null: configs that need it fail, and nodes have no SQNR
  std::shared_ptr<Meter> meter;
  std::unique_ptr<Strategy> strategy;
  engine::WeightForm form = engine::WeightForm::qdq;
  engine::Target target = engine::default_target();  ///< what the models are made for
  int max_trials = 100;
  std::optional<double> time_limit_seconds;
  std::uint64_t seed = 0;
  int threads = 1;
  std::filesystem::path output;  ///< the best model so far
  std::function<bool()> cancelled;
};

/// The space of the setup on its graph: override patterns checked (Error(usage)), configs that make the same model kept once.
struct PreparedSpace {
  Space space;
  engine::Model prepared;  ///< prepare_float_model() of the float model
  int duplicates = 0;
};
[[nodiscard]] PreparedSpace prepare_space(const engine::Model& float_model, const std::vector<Config>& configs,
                                          const engine::Target& target = engine::default_target(), bool with_tables = false);

/// Runs until the end and sets the study's verdict: "met", "not_met" or "interrupted". Throws Error(baseline_failed) if the metric fails on
/// the float model, Error(nothing_usable) if no trial gave a model.
void tune(const TuningSetup& setup, Study& study, TuningListener& listener);

}  // namespace titrate
