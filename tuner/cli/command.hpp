// A command of the program: adds its options to the parser, and runs. One file each, one row in table.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::cli {

/// The words of the command line, as they were typed.
struct Invocation {
  std::vector<std::string> words;
  /// A line for a shell that starts the same command again.
  [[nodiscard]] std::string shell_line() const;
  /// One that goes on where this command stopped: without --fresh, which would start over.
  [[nodiscard]] std::string resuming_line() const;
};

/// Runs the command with the options that were parsed; returns the exit code; throws Error.
using Run = std::function<int(const Invocation&)>;

struct CommandRow {
  std::string_view name;
  std::string_view what;
  Run (*add)(CLI::App& parser);
};

[[nodiscard]] std::span<const CommandRow> commands();

Run add_tune(CLI::App& parser);
Run add_eval(CLI::App& parser);
Run add_quantize(CLI::App& parser);
Run add_compare(CLI::App& parser);
Run add_bench(CLI::App& parser);
Run add_check(CLI::App& parser);
Run add_inspect(CLI::App& parser);
Run add_configs(CLI::App& parser);
Run add_trials(CLI::App& parser);
Run add_report(CLI::App& parser);
Run add_demo(CLI::App& parser);

}  // namespace titrate::cli
