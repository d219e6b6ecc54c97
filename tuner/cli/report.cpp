// titrate trials and titrate report: a study rendered.
#include "reports/report.hpp"

#include <unistd.h>

#include "engine/base/atomic_file.hpp"
#include "engine/base/text.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/terminal.hpp"
#include "tuner/study/study.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string study;
  std::string format = "terminal";
  std::optional<std::string> output;
  bool json = false;
};

int run(const Options& options) {
  const ReportRow& row = report_named(options.json ? "json" : options.format);
  const StudyRecord study = Study::read(options.study);
  const std::string text = row.render(study, terminal_report_options(STDOUT_FILENO));
  if (!options.output) {
    print_text(text);
    return 0;
  }
  write_file_atomically(*options.output, std::string_view(text));
  return 0;
}

}  // namespace

Run add_trials(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("STUDY", options->study, "the study's .db file")->required();
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

Run add_report(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("STUDY", options->study, "the study's .db file")->required();
  parser.add_option("--format", options->format, "terminal, json, html or markdown");
  parser.add_option("-o,--output", options->output, "write to this file instead of stdout");
  parser.add_flag("--json", options->json, "the same as --format json");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
