#include "tuner/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_output = 65536;

// A pipe whose ends close themselves and are not inherited by other programs.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(ErrorCode::internal, cat("a pipe cannot be made: ", std::strerror(errno)));
    read_ = ends[0];
    write_ = ends[1];
  }
  ~Pipe() {
    close_write();
    if (read_ >= 0) close(read_);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int read_end() const { return read_; }
  [[nodiscard]] int write_end() const { return write_; }
  void close_write() {
    if (write_ >= 0) close(write_);
    write_ = -1;
  }
  // Takes what is there; false at the end.
  bool drain(std::string& text) const {
    std::array<char, 4096> buffer{};
    const ssize_t got = read(read_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > 2 * most_output) text.erase(0, text.size() - most_output);
    return true;
  }

 private:
  int read_ = -1;
  int write_ = -1;
};

class Child {
 public:
  Child(const std::vector<std::string>& words, Pipe& output, Pipe& errors) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output.write_end(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors.write_end(), STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&defaults, signal);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int failed = posix_spawnp(&process_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0)
      throw_usage(cat("the program '", visible(words[0]), "' cannot be started: ", std::strerror(failed)), {},
                  "check the command and its path");
    output.close_write();
    errors.close_write();
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] bool running() {
    if (status_) return false;
    int status = 0;
    if (waitpid(process_, &status, WNOHANG) == process_) status_ = status;
    return !status_;
  }

  void end() {
    if (running()) kill(-process_, SIGTERM);
    const auto begin = Clock::now();
    while (running() && Clock::now() - begin < std::chrono::seconds(2)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    // Whatever else is left of the group ends too.
    kill(-process_, SIGKILL);
    while (running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  [[nodiscard]] int exit_code() const { return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : 128 + WTERMSIG(*status_); }

 private:
  pid_t process_ = -1;
  std::optional<int> status_;
};

std::string tail(std::string text) {
  if (text.size() > most_output) text.erase(0, text.size() - most_output);
  return text;
}

}  // namespace

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const char character = text[index];
    const bool escape = character == '\\' && quote != '\'' && index + 1 < text.size();
    if (quote != 0 && character == quote) {
      quote = 0;
    } else if (quote == 0 && (character == '\'' || character == '"')) {
      quote = character;
      if (!word) word.emplace();
    } else if (quote == 0 && (character == ' ' || character == '\t' || character == '\n')) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
    } else {
      if (!word) word.emplace();
      *word += escape ? text[++index] : character;
    }
  }
  if (quote != 0) throw_usage(cat("a quote is left open in the command ", visible(text)));
  if (word) words.push_back(*word);
  return words;
}

ProcessResult run_process(const std::vector<std::string>& words, double time_limit_seconds, const std::function<bool()>& cancelled) {
  Pipe output;
  Pipe errors;
  Child child(words, output, errors);
  ProcessResult result;
  const auto begin = Clock::now();
  bool output_open = true;
  bool errors_open = true;
  while (output_open || errors_open || child.running()) {
    std::array<pollfd, 2> ends = {pollfd{output_open ? output.read_end() : -1, POLLIN, 0},
                                  pollfd{errors_open ? errors.read_end() : -1, POLLIN, 0}};
    poll(ends.data(), ends.size(), 20);
    if (ends[0].revents != 0) output_open = output.drain(result.output);
    if (ends[1].revents != 0) errors_open = errors.drain(result.errors);
    if (cancelled && cancelled()) throw Error(ErrorCode::interrupted, "interrupted");
    if (std::chrono::duration<double>(Clock::now() - begin).count() > time_limit_seconds) {
      result.timed_out = true;
      break;
    }
    // A program that ended while a grandchild keeps its pipes open has said what it had to say.
    if (!child.running() && ends[0].revents == 0 && ends[1].revents == 0) break;
  }
  child.end();
  result.exit_code = child.exit_code();
  result.output = tail(std::move(result.output));
  result.errors = tail(std::move(result.errors));
  return result;
}

}  // namespace titrate
