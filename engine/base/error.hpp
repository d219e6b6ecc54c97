// The one error type. Thrown for whatever ends a command or a trial; the command line turns the code into an exit code.
#pragma once

#include <exception>
#include <string>
#include <vector>

namespace titrate {

/// The exit codes of the command line (INTERFACES: 2. Exit codes).
enum class ErrorCode : int {
  internal = 1,
  usage = 2,            ///< the words of the command or a config text are wrong
  invalid = 3,          ///< model or data invalid or unsupported
  baseline_failed = 5,  ///< the metric failed on the float model
  nothing_usable = 6,   ///< no trial produced a usable model
  study_unusable = 7,   ///< another model, data or metric; locked, damaged, too new
  interrupted = 130,    ///< SIGINT or SIGTERM
};

class Error : public std::exception {
 public:
  /// what: which thing is wrong and how; where: file, node, tensor, field; hint: what to do about it.
  explicit Error(ErrorCode code, std::string what, std::string where = {}, std::string hint = {});

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  /// Innermost place first, each layer's place behind it, separated by ", ".
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
  /// "message (where); hint"
  [[nodiscard]] const char* what() const noexcept override { return full_.c_str(); }

  /// A layer above adds where it was, then rethrows with `throw;`.
  Error& in(const std::string& place);
  Error& with_hint(std::string hint);

 private:
  void compose();

  ErrorCode code_;
  std::string message_;
  std::string where_;
  std::string hint_;
  std::string full_;
};

/// For input that is wrong: model, data, description.
[[noreturn]] void throw_invalid(std::string what, std::string where = {}, std::string hint = {});
[[noreturn]] void throw_usage(std::string what, std::string where = {}, std::string hint = {});

}  // namespace titrate
