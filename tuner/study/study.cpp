#include "tuner/study/study.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/study/rows.hpp"
#include "tuner/study/schema.hpp"
#include "tuner/study/snapshot.hpp"
#include "tuner/study/study_file.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void misuse(const std::string& what) { throw Error(ErrorCode::internal, what, "study"); }

void require_same(const Facts& before, const Facts& now, const fs::path& path) {
  const std::string difference = first_difference(before, now);
  if (difference.empty()) return;
  throw Error(ErrorCode::study_unusable, "this study is of " + difference, path.string(),
              "use --fresh to start over, which keeps the old study aside, or name another file with --study");
}

const std::string* value_of(const Facts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts, name, &std::pair<std::string, std::string>::first);
  return found == facts.end() ? nullptr : &found->second;
}

std::string in_words(const std::string* value) {
  constexpr std::size_t longest = 120;
  if (value == nullptr) return "not given";
  if (value->empty()) return "empty";
  return value->size() <= longest ? *value : cat(value->substr(0, longest), "...");
}

auto first_unfinished(auto& trials) {
  return std::ranges::find_if(trials, [](const TrialRecord& trial) { return !is_finished(trial.state); });
}

void require_finite_goal(const Goal& goal) {
  if (!std::isfinite(goal.tolerable_loss)) {
    throw Error(ErrorCode::usage, "a tolerable loss of " + shortest(goal.tolerable_loss) + " is no number", "--tolerable-loss");
  }
}

void judge(TrialRecord& trial, const Baseline& baseline, const Goal& goal) {
  trial.loss = loss_of(trial.metric.value(), baseline.metric, goal);
  trial.state = *trial.loss <= goal.tolerable_loss ? TrialState::passed : TrialState::failed_goal;
}

bool is_judged(const TrialRecord& trial) {
  return (trial.state == TrialState::passed || trial.state == TrialState::failed_goal) && trial.metric.has_value();
}

// Takes out the value if it is no number, and returns words about it.
std::string take_non_finite(std::optional<double>& value, std::string_view name) {
  if (!value || std::isfinite(*value)) return {};
  return cat("the ", name, " is ", shortest(*std::exchange(value, std::nullopt)));
}

void make_storable(TrialRecord& trial) {
  for (const std::string& complaint :
       {take_non_finite(trial.metric, "metric"), take_non_finite(trial.loss, "loss"), take_non_finite(trial.latency_ms, "latency"),
        take_non_finite(trial.latency_noise_ms, "latency's noise")}) {
    if (complaint.empty()) continue;
    trial.state = TrialState::error;
    trial.reason = trial.reason.empty() ? complaint : complaint + "; " + trial.reason;
  }
  // SQLite would make NULL of NaN; infinity is a true answer: no difference at all.
  for (LayerDecision& layer : trial.layers) {
    if (layer.sqnr_db && std::isnan(*layer.sqnr_db)) layer.sqnr_db.reset();
  }
}

}  // namespace

std::string first_difference(const Facts& before, const Facts& now) {
  for (const Facts* names : {&now, &before}) {
    for (const auto& [name, ignored] : *names) {
      const std::string* old_value = value_of(before, name);
      const std::string* new_value = value_of(now, name);
      if (old_value != nullptr && new_value != nullptr && *old_value == *new_value) continue;
      std::string words = name;
      std::ranges::replace(words, '_', ' ');
      return cat("another ", words, ": it was ", in_words(old_value), ", now it is ", in_words(new_value));
    }
  }
  return {};
}

Study::Study(fs::path path, Owner owner, Database database, StudyRecord record)
    : path_(std::move(path)), owner_(std::move(owner)), database_(std::move(database)), record_(std::move(record)) {}

Study Study::create(const fs::path& path, const StudyRecord& beginning) {
  if (!beginning.trials.empty()) misuse("a new study has no trials");
  require_finite_goal(beginning.goal);
  Owner owner(path);
  Database memory = Database::in_memory();
  Transaction transaction(memory);
  migrate(memory, 0);
  store_head(memory, beginning, 0);
  transaction.commit();
  move_strays_aside(path);
  write_new_study(path, memory.serialized());
  return {path, std::move(owner), Database::open_for_writing(path), beginning};
}

Study Study::open(const fs::path& path, const Facts& identity) {
  // Looked at without touching it first: opening for writing may already roll back what a dead writer left.
  require_same(load_study(snapshot_of(path)).identity, identity, path);
  Owner owner(path);
  require_same(load_study(snapshot_of(path, &owner)).identity, identity, path);
  Database database = Database::open_for_writing(path);
  Transaction transaction(database);
  Statement version(database, "PRAGMA user_version");
  version.step();
  migrate(database, static_cast<std::uint32_t>(version.integer(0)));
  StudyRecord record = load_study(database);
  const auto cut = first_unfinished(record.trials);
  if (cut != record.trials.end()) {
    for (auto trial = cut; trial != record.trials.end(); ++trial) erase_trial(database, trial->number);
    record.trials.erase(cut, record.trials.end());
    store_head(database, record, record.trials.size());
  }
  transaction.commit();
  return {path, std::move(owner), std::move(database), std::move(record)};
}

StudyRecord Study::read(const fs::path& path) {
  StudyRecord record = load_study(snapshot_of(path));
  const auto cut = first_unfinished(record.trials);
  if (cut == record.trials.end() || cut->state != TrialState::running) return record;
  const std::optional<std::string> owner = Owner::of(path);
  cut->state = TrialState::interrupted;
  cut->reason = owner ? "still running, in " + *owner : "cut off: its process ended; the same command runs it again";
  return record;
}

fs::path Study::move_aside(const fs::path& path) {
  const Owner owner(path);
  return rename_aside(path);
}

// `head` is the whole record without its trials; a trial whose number is not there yet is the next one.
void Study::store(StudyRecord head, const std::vector<TrialRecord>& changed_trials) {
  std::size_t count = record_.trials.size();
  for (const TrialRecord& trial : changed_trials) count = std::max(count, static_cast<std::size_t>(trial.number));
  record_.trials.reserve(count);
  Transaction transaction(database_);
  for (const TrialRecord& trial : changed_trials) store_trial(database_, trial);
  store_head(database_, head, count);
  transaction.commit();
  head.trials = std::move(record_.trials);
  head.trials.resize(count);
  for (const TrialRecord& trial : changed_trials) head.trials[static_cast<std::size_t>(trial.number) - 1] = trial;
  record_ = std::move(head);
}

StudyRecord Study::head() const {
  return {.identity = record_.identity,
          .provenance = record_.provenance,
          .goal = record_.goal,
          .baseline = record_.baseline,
          .trials = {},
          .verdict = record_.verdict,
          .output = record_.output,
          .command = record_.command};
}

void Study::set_provenance(Facts provenance) {
  StudyRecord changed = head();
  changed.provenance = std::move(provenance);
  store(std::move(changed));
}

void Study::set_command(std::string command) {
  StudyRecord changed = head();
  changed.command = std::move(command);
  store(std::move(changed));
}

void Study::set_baseline(Baseline baseline) {
  if (!std::isfinite(baseline.metric)) {
    throw Error(ErrorCode::baseline_failed, cat("the ", baseline.metric_name, " of the float model is ", shortest(baseline.metric)),
                "baseline", "a metric must be a finite number: look at the model, the data and the metric");
  }
  StudyRecord changed = head();
  changed.baseline = std::move(baseline);
  store(std::move(changed));
}

void Study::set_goal(const Goal& goal) {
  require_finite_goal(goal);
  std::vector<TrialRecord> judged;
  for (const TrialRecord& trial : record_.trials) {
    if (!is_judged(trial)) continue;
    if (!record_.baseline) misuse("trials are judged against a baseline");
    judge(judged.emplace_back(trial), *record_.baseline, goal);
  }
  StudyRecord changed = head();
  changed.goal = goal;
  store(std::move(changed), judged);
}

void Study::set_verdict(std::string verdict) {
  StudyRecord changed = head();
  changed.verdict = std::move(verdict);
  store(std::move(changed));
}

void Study::set_output(std::string output) {
  StudyRecord changed = head();
  changed.output = std::move(output);
  store(std::move(changed));
}

int Study::begin_trial(std::string_view config) {
  if (first_unfinished(record_.trials) != record_.trials.end()) misuse("a trial is still running");
  TrialRecord trial;
  trial.number = static_cast<int>(record_.trials.size()) + 1;
  trial.config = config;
  trial.started_at = utc_now();
  StudyRecord changed = head();
  changed.verdict.clear();
  store(std::move(changed), {trial});
  return trial.number;
}

const TrialRecord& Study::finish_trial(TrialRecord trial) {
  const auto running = first_unfinished(record_.trials);
  if (running == record_.trials.end() || running->number != trial.number || running->config != trial.config) {
    misuse(cat("trial ", trial.number, " is not the one that runs"));
  }
  if (trial.state == TrialState::running) misuse("a finished trial is not running");
  if (trial.started_at.empty()) trial.started_at = running->started_at;
  make_storable(trial);
  store(head(), {trial});
  return record_.trials.back();
}

}  // namespace titrate
