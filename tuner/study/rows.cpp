#include "tuner/study/rows.hpp"

#include <bit>
#include <cstdint>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/study/digest.hpp"

namespace titrate {
namespace {

// Fields one after the other, each with its length or as its bits, so that no two records give the same bytes.
class Seal {
 public:
  Seal& add(std::string_view text) {
    digest_.update(cat("t", text.size(), ":")).update(text);
    return *this;
  }
  Seal& add(std::int64_t number) {
    digest_.update(cat("i", number, ";"));
    return *this;
  }
  Seal& add(int number) { return add(std::int64_t{number}); }
  Seal& add(double number) {
    digest_.update(cat("d", std::bit_cast<std::uint64_t>(number), ";"));
    return *this;
  }
  template <class Value>
  Seal& add(const std::optional<Value>& value) {
    if (value) return add(*value);
    digest_.update("n");
    return *this;
  }
  [[nodiscard]] std::string hex() { return digest_.hex(); }

 private:
  Sha256 digest_;
};

std::string seal_of(const TrialRecord& trial) {
  Seal seal;
  seal.add(trial.number).add(trial.config).add(name_of(trial.state)).add(trial.metric).add(trial.loss);
  seal.add(trial.samples_evaluated).add(trial.size_bytes).add(trial.latency_ms).add(trial.seconds).add(trial.started_at).add(trial.reason);
  seal.add(static_cast<std::int64_t>(trial.phases.size()));
  for (const PhaseTime& phase : trial.phases) seal.add(phase.phase).add(phase.seconds);
  for (const LayerDecision& layer : trial.layers) {
    seal.add(layer.name)
        .add(layer.type)
        .add(layer.scheme)
        .add(layer.reason)
        .add(layer.sqnr_db)
        .add(layer.float_bytes)
        .add(layer.stored_bytes);
  }
  // Nothing is added for a trial of the first version: its seal stays what it was.
  for (const NodeExecution& node : trial.execution)
    seal.add(node.name).add(node.type).add(node.integer ? 1 : 0).add(node.reason).add(node.multiply_accumulates);
  // Last and only where it is there: the seals of studies that were written before it stay valid.
  if (trial.latency_noise_ms) seal.add(*trial.latency_noise_ms);
  return seal.hex();
}

std::string seal_of_head(const StudyRecord& study, std::int64_t trials) {
  Seal seal;
  seal.add(study.goal.tolerable_loss)
      .add(name_of(study.goal.loss))
      .add(study.goal.higher_is_better ? 1 : 0)
      .add(name_of(study.goal.objective));
  seal.add(study.verdict).add(study.output).add(study.command).add(trials);
  for (const Facts* facts : {&study.identity, &study.provenance}) {
    seal.add(static_cast<std::int64_t>(facts->size()));
    for (const auto& [name, value] : *facts) seal.add(name).add(value);
  }
  if (study.baseline) {
    const Baseline& baseline = *study.baseline;
    seal.add(baseline.metric_name)
        .add(baseline.metric)
        .add(baseline.samples)
        .add(baseline.size_bytes)
        .add(baseline.latency_ms)
        .add(baseline.seconds);
    if (baseline.latency_noise_ms) seal.add(*baseline.latency_noise_ms);
  }
  return seal.hex();
}

[[noreturn]] void refuse(const Database& database, const std::string& what) {
  throw Error(ErrorCode::study_unusable, "the study is damaged: " + what, database.name(),
              "use a copy of it if there is one, --fresh or another --study");
}

template <class Value>
Value known(const Database& database, const std::optional<Value>& value, const std::string& text) {
  if (!value) refuse(database, "\"" + text + "\" is no state or kind that there is");
  return *value;
}

Facts load_facts(const Database& database, std::string_view kind) {
  Facts facts;
  Statement rows(database, "SELECT name, value FROM fact WHERE kind = ?1 ORDER BY position");
  rows.bind(kind);
  while (rows.step()) facts.emplace_back(rows.text(0), rows.text(1));
  return facts;
}

std::optional<Baseline> load_baseline(const Database& database) {
  Statement row(database, "SELECT metric_name, metric, samples, size_bytes, latency_ms, seconds, latency_noise_ms FROM baseline");
  if (!row.step()) return std::nullopt;
  return Baseline{row.text(0), row.real(1), row.integer(2), row.integer(3), row.optional_real(4), row.real(5), row.optional_real(6)};
}

// Returns the number of trials that there should be.
std::int64_t load_head(const Database& database, StudyRecord& study) {
  Statement row(database, "SELECT tolerable_loss, loss, higher_is_better, objective, verdict, output, command, trials, digest FROM study");
  if (!row.step()) refuse(database, "its first row is missing");
  study.goal = {.tolerable_loss = row.real(0),
                .loss = known(database, loss_kind_named(row.text(1)), row.text(1)),
                .higher_is_better = row.integer(2) != 0,
                .objective = known(database, objective_named(row.text(3)), row.text(3))};
  study.verdict = row.text(4);
  study.output = row.text(5);
  study.command = row.text(6);
  study.identity = load_facts(database, "identity");
  study.provenance = load_facts(database, "provenance");
  study.baseline = load_baseline(database);
  const std::int64_t trials = row.integer(7);
  if (seal_of_head(study, trials) != row.text(8)) refuse(database, "its identity, goal or baseline is not what was written");
  return trials;
}

void load_phases(Statement& rows, TrialRecord& trial) {
  rows.bind(trial.number);
  while (rows.step()) trial.phases.push_back({rows.text(0), rows.real(1)});
}

void load_layers(Statement& rows, TrialRecord& trial) {
  rows.bind(trial.number);
  while (rows.step()) {
    trial.layers.push_back({.name = rows.text(0),
                            .type = rows.text(1),
                            .scheme = rows.text(2),
                            .reason = rows.text(3),
                            .sqnr_db = rows.optional_real(4),
                            .float_bytes = rows.integer(5),
                            .stored_bytes = rows.integer(6)});
  }
}

void load_execution(Statement& rows, TrialRecord& trial) {
  rows.bind(trial.number);
  while (rows.step()) {
    trial.execution.push_back({.name = rows.text(0),
                               .type = rows.text(1),
                               .integer = rows.integer(2) != 0,
                               .reason = rows.text(3),
                               .multiply_accumulates = rows.optional_integer(4)});
  }
}

TrialRecord trial_of(const Database& database, const Statement& row) {
  TrialRecord trial;
  const std::int64_t number = row.integer(0);
  if (number > std::numeric_limits<int>::max()) refuse(database, cat("trial ", number, " cannot be"));
  trial.number = static_cast<int>(number);
  trial.config = row.text(1);
  trial.state = known(database, trial_state_named(row.text(2)), row.text(2));
  trial.metric = row.optional_real(3);
  trial.loss = row.optional_real(4);
  trial.samples_evaluated = row.optional_integer(5);
  trial.size_bytes = row.optional_integer(6);
  trial.latency_ms = row.optional_real(7);
  trial.seconds = row.real(8);
  trial.started_at = row.text(9);
  trial.reason = row.text(10);
  trial.latency_noise_ms = row.optional_real(12);
  return trial;
}

std::vector<TrialRecord> load_trials(const Database& database) {
  std::vector<TrialRecord> trials;
  Statement rows(
      database,
      "SELECT number, config, state, metric, loss, samples_evaluated, size_bytes, latency_ms, seconds, started_at, reason, digest, "
      "latency_noise_ms FROM trial ORDER BY number");
  Statement phases(database, "SELECT phase, seconds FROM phase WHERE trial = ?1 ORDER BY position");
  Statement layers(database,
                   "SELECT name, type, scheme, reason, sqnr_db, float_bytes, stored_bytes FROM layer WHERE trial = ?1 ORDER BY position");
  Statement execution(database,
                      "SELECT name, type, integer, reason, multiply_accumulates FROM execution WHERE trial = ?1 ORDER BY position");
  while (rows.step()) {
    TrialRecord trial = trial_of(database, rows);
    load_phases(phases, trial);
    load_layers(layers, trial);
    load_execution(execution, trial);
    if (seal_of(trial) != rows.text(11)) refuse(database, cat("trial ", trial.number, " is not what was written"));
    trials.push_back(std::move(trial));
    if (trials.back().number != static_cast<int>(trials.size())) refuse(database, cat("trial ", trials.size(), " is missing"));
  }
  return trials;
}

void store_facts(Database& database, std::string_view kind, const Facts& facts) {
  Statement insert(database, "INSERT INTO fact (kind, position, name, value) VALUES (?1, ?2, ?3, ?4)");
  int position = 0;
  for (const auto& [name, value] : facts) insert.bind(kind, ++position, name, value).run();
}

void store_baseline(Database& database, const Baseline& baseline) {
  Statement(database,
            "INSERT INTO baseline (id, metric_name, metric, samples, size_bytes, latency_ms, seconds, latency_noise_ms) "
            "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(baseline.metric_name, baseline.metric, baseline.samples, baseline.size_bytes, baseline.latency_ms, baseline.seconds,
            baseline.latency_noise_ms)
      .run();
}

void store_execution(Database& database, const TrialRecord& trial) {
  Statement insert(database,
                   "INSERT INTO execution (trial, position, name, type, integer, reason, multiply_accumulates) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  int position = 0;
  for (const NodeExecution& node : trial.execution)
    insert.bind(trial.number, ++position, node.name, node.type, node.integer ? 1 : 0, node.reason, node.multiply_accumulates).run();
}

}  // namespace

StudyRecord load_study(const Database& database) {
  StudyRecord study;
  const std::int64_t trials = load_head(database, study);
  study.trials = load_trials(database);
  if (static_cast<std::int64_t>(study.trials.size()) != trials)
    refuse(database, cat("it has ", study.trials.size(), " of ", trials, " trials"));
  return study;
}

void store_head(Database& database, const StudyRecord& study, std::size_t trials) {
  database.execute("DELETE FROM study; DELETE FROM fact; DELETE FROM baseline");
  const auto count = static_cast<std::int64_t>(trials);
  const Goal& goal = study.goal;
  Statement(database,
            "INSERT INTO study (id, tolerable_loss, loss, higher_is_better, objective, verdict, output, command, trials, digest) "
            "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .bind(goal.tolerable_loss, name_of(goal.loss), goal.higher_is_better ? 1 : 0, name_of(goal.objective), study.verdict, study.output,
            study.command, count, seal_of_head(study, count))
      .run();
  store_facts(database, "identity", study.identity);
  store_facts(database, "provenance", study.provenance);
  if (study.baseline) store_baseline(database, *study.baseline);
}

void store_trial(Database& database, const TrialRecord& trial) {
  erase_trial(database, trial.number);
  Statement(
      database,
      "INSERT INTO trial (number, config, state, metric, loss, samples_evaluated, size_bytes, latency_ms, seconds, started_at, reason, "
      "digest, latency_noise_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
      .bind(trial.number, trial.config, name_of(trial.state), trial.metric, trial.loss, trial.samples_evaluated, trial.size_bytes,
            trial.latency_ms, trial.seconds, trial.started_at, trial.reason, seal_of(trial), trial.latency_noise_ms)
      .run();
  int position = 0;
  Statement phases(database, "INSERT INTO phase (trial, position, phase, seconds) VALUES (?1, ?2, ?3, ?4)");
  for (const PhaseTime& phase : trial.phases) phases.bind(trial.number, ++position, phase.phase, phase.seconds).run();
  position = 0;
  Statement layers(database,
                   "INSERT INTO layer (trial, position, name, type, scheme, reason, sqnr_db, float_bytes, stored_bytes) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  for (const LayerDecision& layer : trial.layers) {
    layers
        .bind(trial.number, ++position, layer.name, layer.type, layer.scheme, layer.reason, layer.sqnr_db, layer.float_bytes,
              layer.stored_bytes)
        .run();
  }
  store_execution(database, trial);
}

// Phases, layers and execution go with it: ON DELETE CASCADE.
void erase_trial(Database& database, int number) { Statement(database, "DELETE FROM trial WHERE number = ?1").bind(number).run(); }

}  // namespace titrate
