// titrate: parses the command line, runs a command, turns errors into messages and exit codes.
#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/version.hpp"

namespace titrate::cli {
namespace {

std::string quoted(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string result = "'";
  for (const char character : word) result += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return result + "'";
}

int run_command(CLI::App& parser, const std::vector<std::pair<CLI::App*, Run>>& runs, const Invocation& invocation) {
  for (const auto& [command, run] : runs) {
    if (command->parsed()) return run(invocation);
  }
  print_text(parser.help());
  return 0;
}

int fail(const Error& error, bool json) {
  print_error(error, json);
  return static_cast<int>(error.code());
}

int run(const Invocation& invocation, int count, char** words) {
  const bool json = std::find(invocation.words.begin(), invocation.words.end(), "--json") != invocation.words.end();
  CLI::App parser(
      "titrate finds, by measuring, the smallest quantized version of an ONNX model whose metric stays within a tolerable loss.",
      "titrate");
  parser.set_version_flag("--version", std::string(version()));
  parser.require_subcommand(0, 1);
  std::vector<std::pair<CLI::App*, Run>> runs;
  std::vector<std::string> names;
  for (const CommandRow& row : commands()) {
    CLI::App* command = parser.add_subcommand(std::string(row.name), std::string(row.what));
    runs.emplace_back(command, row.add(*command));
    names.emplace_back(row.name);
  }
  try {
    parser.parse(count, words);
    return run_command(parser, runs, invocation);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = parser.get_subcommands();
    print_text(chosen.empty() ? parser.help() : chosen.front()->help());
    return 0;
  } catch (const CLI::CallForAllHelp&) {
    print_text(parser.help("", CLI::AppFormatMode::All));
    return 0;
  } catch (const CLI::CallForVersion&) {
    print_text(cat("titrate ", version(), "\n"));
    return 0;
  } catch (const CLI::ParseError& error) {
    const bool known = invocation.words.size() > 1 && std::find(names.begin(), names.end(), invocation.words[1]) != names.end();
    const auto like = known || invocation.words.size() < 2 ? std::nullopt : nearest(invocation.words[1], names);
    const std::string command = known ? cat("titrate ", invocation.words[1]) : "titrate";
    return fail(Error(ErrorCode::usage, error.what(), {}, like ? cat("did you mean ", *like, "?") : cat("see ", command, " --help")), json);
  } catch (const Error& error) {
    return fail(error, json);
  } catch (const std::bad_alloc&) {
    return fail(Error(ErrorCode::internal, "not enough memory", {}, "use fewer --threads or a smaller model"), json);
  } catch (const std::exception& error) {
    return fail(Error(ErrorCode::internal, error.what()), json);
  }
}

}  // namespace

std::string Invocation::shell_line() const {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

std::string Invocation::resuming_line() const {
  Invocation resuming = *this;
  std::erase(resuming.words, "--fresh");
  return resuming.shell_line();
}

}  // namespace titrate::cli

int main(int count, char** words) {
  titrate::cli::install_interrupt_handlers();
  return titrate::cli::run({.words = {words, words + count}}, count, words);
}
