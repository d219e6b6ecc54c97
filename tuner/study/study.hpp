// A study: all trials of one model, data and metric, in one SQLite file. What is begun and what is finished is on the disk when the call
// returns; a process that is killed loses the trial in flight and nothing else.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/study/owner.hpp"
#include "tuner/study/sqlite.hpp"
#include "tuner/study/trial.hpp"

namespace titrate {

/// Every function throws Error(study_unusable), naming the file, when the file or the disk does not let it; then the study is as it was.
class Study {
 public:
  /// A new file; it appears whole or not at all. `beginning` has identity, provenance, goal and command, and no trials. An existing file is
  /// refused.
  [[nodiscard]] static Study create(const std::filesystem::path& path, const StudyRecord& beginning);

  /// Goes on with a study. Refused without changing a byte: a file that is missing, foreign, damaged or too new, a study whose identity
  /// differs, a study in use. What was cut off is taken out, so that its number and config come again; the trials left are 1..n and
  /// finished.
  [[nodiscard]] static Study open(const std::filesystem::path& path, const Facts& identity);

  /// A look at it, at any moment, also while another process tunes; changes nothing. A trial without an end has the state `interrupted`,
  /// and its reason says whether it is still running.
  [[nodiscard]] static StudyRecord read(const std::filesystem::path& path);

  /// For --fresh: gives the file another name, "<path>.1" or the next number that is free, together with its journal, and returns that
  /// name. Whatever the file is, its bytes stay. Refused while the study is in use.
  static std::filesystem::path move_aside(const std::filesystem::path& path);

  /// What is in the file now, running trial included.
  [[nodiscard]] const StudyRecord& record() const { return record_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  void set_provenance(Facts provenance);
  void set_command(std::string command);
  /// Throws Error(baseline_failed) if the metric is not finite.
  void set_baseline(Baseline baseline);
  /// Judges all measured trials anew: passed or failed_goal. Needs the baseline if there are any.
  void set_goal(const Goal& goal);
  /// "met", "not_met" or "interrupted".
  void set_verdict(std::string verdict);
  void set_output(std::string output);

  /// Records, before any work is done, that a trial of this config runs, and returns its number. The verdict becomes "".
  int begin_trial(std::string_view config);
  /// Ends the running trial: `trial` has its number and config. A metric, loss or latency that is not finite makes it an error with that
  /// reason. An empty `started_at` is filled in. Returns what was stored.
  const TrialRecord& finish_trial(TrialRecord trial);

 private:
  Study(std::filesystem::path path, Owner owner, Database database, StudyRecord record);

  [[nodiscard]] StudyRecord head() const;
  void store(StudyRecord head, const std::vector<TrialRecord>& changed_trials = {});

  std::filesystem::path path_;
  Owner owner_;  // let go of after the database
  Database database_;
  StudyRecord record_;
};

/// "" if both say the same; else the first name in which they differ, in words: "another metric: it was top1, now it is top5".
[[nodiscard]] std::string first_difference(const Facts& before, const Facts& now);

}  // namespace titrate
