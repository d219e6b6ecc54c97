// What a study remembers, as plain values: strategies propose from them, reports render them, the SQLite file holds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace titrate {

enum class TrialState : std::uint8_t { running, passed, failed_goal, error, pruned, interrupted };
[[nodiscard]] std::string_view name_of(TrialState state);
[[nodiscard]] std::optional<TrialState> trial_state_named(std::string_view name);
/// passed, failed_goal, error, pruned: measured or given up for good, never repeated.
[[nodiscard]] bool is_finished(TrialState state);

/// What was decided for one node, and why.
struct LayerDecision {
  std::string name;
  std::string type;    ///< operator type
  std::string scheme;  ///< the scheme's text, or "float"
  std::string reason;  ///< why it stays float, or what was adapted ("3 bits are stored in int4"); "" if there is nothing to say
  std::optional<double>
      sqnr_db;  ///< of the node's own output on calibration data, the node alone quantized; none: not quantized or not measured
  std::int64_t float_bytes = 0;   ///< of its weights in the float model; 0: none
  std::int64_t stored_bytes = 0;  ///< of its weights, scales and zero points in the candidate
};

/// How one node of the candidate runs.
struct NodeExecution {
  std::string name;
  std::string type;  ///< operator type
  bool integer = false;
  std::string reason;                                ///< which rule keeps it from integers; of an integer node a remark, or ""
  std::optional<std::int64_t> multiply_accumulates;  ///< of one sample; 0: it has none; none: unknown
};

struct PhaseTime {
  std::string phase;  ///< "convert", "write", "evaluate", "latency", ...
  double seconds = 0;
};

struct TrialRecord {
  int number = 0;  ///< from 1
  std::string config;
  TrialState state = TrialState::running;
  std::optional<double> metric;
  std::optional<double> loss;
  std::optional<std::int64_t> samples_evaluated;
  std::optional<std::int64_t> size_bytes;
  std::optional<double> latency_ms;        ///< the median of repeated runs
  std::optional<double> latency_noise_ms;  ///< how far that median may be off; none: not measured, or by a version that did not keep it
  double seconds = 0;
  std::string started_at;  ///< UTC, RFC 3339
  std::string reason;      ///< why it failed, or a remark; "" if there is nothing to say
  std::vector<PhaseTime> phases;
  std::vector<LayerDecision> layers;
  std::vector<NodeExecution> execution;  ///< empty: not recorded, as in studies of the first version
};

/// The share of the known multiply-accumulates that run on integers; none where there are none.
[[nodiscard]] std::optional<double> integer_coverage(const std::vector<NodeExecution>& execution);

struct Baseline {
  std::string metric_name;
  double metric = 0;
  std::int64_t samples = 0;
  std::int64_t size_bytes = 0;
  std::optional<double> latency_ms;
  double seconds = 0;
  std::optional<double> latency_noise_ms{};
};

enum class LossKind : std::uint8_t { relative, absolute };
enum class Objective : std::uint8_t { first, size, latency };
[[nodiscard]] std::string_view name_of(LossKind kind);
[[nodiscard]] std::string_view name_of(Objective objective);
[[nodiscard]] std::optional<LossKind> loss_kind_named(std::string_view name);
[[nodiscard]] std::optional<Objective> objective_named(std::string_view name);

/// What a trial has to reach.
struct Goal {
  double tolerable_loss = 0.01;
  LossKind loss = LossKind::relative;
  bool higher_is_better = true;
  Objective objective = Objective::first;
};

/// How much worse `value` is than `baseline`; positive is worse. Relative with a baseline of 0 throws Error(usage) that says to use --loss
/// absolute.
[[nodiscard]] double loss_of(double value, double baseline, const Goal& goal);

/// Whether `one` takes less time than `other` by more than both measurements' noise together (the root of the sum of their squares) and by
/// more than 2 %: below that, code and data may lie elsewhere in memory and nothing else. A time that was not measured is slower than all.
[[nodiscard]] bool is_faster(const TrialRecord& one, const TrialRecord& other);

/// The best trial of those that pass: the first, the smallest or the fastest, the better metric and then the lower number deciding ties. A
/// difference in time below the noise is none: of all trials than which the fastest one is not faster (is_faster), the smallest file is the
/// best. If none passes the one with the least loss. Null if no trial has a usable model.
[[nodiscard]] const TrialRecord* best_trial(const std::vector<TrialRecord>& trials, Objective objective);

/// Names with their values, in order: "model", "model_sha256", "data", ...
using Facts = std::vector<std::pair<std::string, std::string>>;

/// All of a study, read from its file.
struct StudyRecord {
  Facts identity;    ///< what must be the same to go on: model, data, calibration, metric, seed (with their hashes)
  Facts provenance;  ///< what is good to know: version, compiler, cpu, instruction set, threads, start, the reproducing command
  Goal goal;
  std::optional<Baseline> baseline;
  std::vector<TrialRecord> trials;
  std::string verdict;  ///< "met", "not_met", "interrupted"; "" while running
  std::string output;   ///< path of the written model
  std::string command;  ///< the command line that reproduces (and resumes) it
};

}  // namespace titrate
