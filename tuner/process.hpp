// Runs a program of the user's: no shell, its own process group, a time limit.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace titrate {

/// A command text as words: separated by blanks, quoted by ' or ", escaped by a backslash; nothing is expanded. Throws Error(usage) for an
/// open quote.
[[nodiscard]] std::vector<std::string> split_words(const std::string& text);

struct ProcessResult {
  int exit_code = 0;  ///< 128 + signal if a signal ended it
  bool timed_out = false;
  std::string output;  ///< the last 64 KB of stdout
  std::string errors;  ///< the last 64 KB of stderr
};

/// stdin is empty. On a time-out or when `cancelled` says so the whole process group ends: SIGTERM, two seconds later SIGKILL. Throws
/// Error(usage) if the program cannot be started, Error(interrupted) if cancelled.
[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& words, double time_limit_seconds,
                                        const std::function<bool()>& cancelled);

}  // namespace titrate
