#include "tuner/command_meter.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "datasets/npz_writer.hpp"
#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/base/text.hpp"
#include "tuner/process.hpp"

namespace titrate {
namespace {

constexpr int try_again = 75;  // EX_TEMPFAIL of sysexits.h
constexpr int most_tries = 10;

// Replaces in one pass: what stands in a path is not a place.
std::string replaced(const std::string& word, const std::map<std::string, std::string>& places) {
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    const auto place =
        std::find_if(places.begin(), places.end(), [&](const auto& each) { return word.compare(at, each.first.size(), each.first) == 0; });
    result += place == places.end() ? word.substr(at, 1) : place->second;
    at += place == places.end() ? 1 : place->first.size();
  }
  return result;
}

// {"value": x}, or x. NaN and infinity, which JSON has no words for, are read as numbers.
std::optional<double> value_of(const std::string& text) {
  const std::string_view trimmed = trim(text);
  if (const auto number = parse_number(trimmed)) return number;
  std::string lower(trimmed);
  for (char& character : lower) character = static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  if (const auto number = parse_number(lower)) return number;
  const nlohmann::json json = nlohmann::json::parse(trimmed, nullptr, false);
  if (json.is_object() && json.contains("value") && json["value"].is_number()) return json["value"].get<double>();
  return std::nullopt;
}

std::string last_line(const std::string& output) {
  std::string last;
  for (const std::string& line : split(output, '\n')) {
    if (!trim(line).empty()) last = line;
  }
  return last;
}

std::optional<double> read_result(const std::filesystem::path& file, const ProcessResult& result) {
  std::ifstream stream(file);
  if (stream) {
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    if (!trim(text).empty()) return value_of(text);
  }
  return value_of(last_line(result.output));
}

// The end of what the program said, for the reason of a failed trial.
std::string said(const ProcessResult& result) {
  const std::string_view errors = trim(result.errors);
  const std::string_view text = errors.empty() ? trim(result.output) : errors;
  constexpr std::size_t most = 400;
  const std::string_view end = text.size() > most ? text.substr(text.size() - most) : text;
  return end.empty() ? "; it said nothing" : cat("; it said: ", visible(end));
}

// Runs the command until it gives a number or a reason.
double run_command(const std::vector<std::string>& words, std::map<std::string, std::string> places, double time_limit,
                   const TemporaryFolder& folder, const LoopControl& control) {
  const std::filesystem::path result_file = folder.path() / "result.json";
  places["{out}"] = result_file.string();
  std::vector<std::string> arguments;
  for (const std::string& word : words) arguments.push_back(replaced(word, places));
  for (int attempt = 1;; ++attempt) {
    std::error_code ignored;
    std::filesystem::remove(result_file, ignored);
    const ProcessResult result = run_process(arguments, time_limit, control.cancelled);
    if (result.timed_out)
      throw_invalid(cat("the metric command took longer than its time limit of ", shortest(time_limit), " s", said(result)), {},
                    "raise --metric-timeout");
    if (result.exit_code == try_again && attempt < most_tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100 * attempt));
      continue;
    }
    if (result.exit_code != 0) throw_invalid(cat("the metric command ended with exit code ", result.exit_code, said(result)));
    const auto value = read_result(result_file, result);
    if (!value)
      throw_invalid(cat("the metric command gave no number", said(result)), {}, "print a number last, or write {\"value\": x} to {out}");
    if (std::isnan(*value)) throw_invalid(cat("the metric command gave nan", said(result)));
    return *value;
  }
}

std::vector<std::string> words_of(const std::string& command, const std::string& place) {
  std::vector<std::string> words = split_words(command);
  if (words.empty()) throw_usage("the metric command is empty");
  if (command.find(place) == std::string::npos)
    throw_usage(cat("the command does not use ", place, ": ", visible(command)), {}, cat("name ", place, " where the program takes it"));
  return words;
}

class CommandMeter final : public Meter {
 public:
  CommandMeter(std::string command, double time_limit)
      : command_(std::move(command)), words_(words_of(command_, "{model}")), time_limit_(time_limit) {}

  [[nodiscard]] std::string name() const override { return command_; }
  [[nodiscard]] bool higher_is_better() const override { return true; }

  [[nodiscard]] Measurement measure(const Candidate& candidate, const LoopControl& control) override {
    const TemporaryFolder folder;
    return {.value = run_command(words_, {{"{model}", candidate.file.string()}}, time_limit_, folder, control),
            .samples = 0,
            .correct = std::nullopt};
  }

 private:
  std::string command_;
  std::vector<std::string> words_;
  double time_limit_;
};

class ScoreMeter final : public Meter {
 public:
  ScoreMeter(std::string command, double time_limit, std::shared_ptr<const Dataset> data)
      : command_(std::move(command)), words_(words_of(command_, "{outputs}")), time_limit_(time_limit), data_(std::move(data)) {}

  [[nodiscard]] std::string name() const override { return command_; }
  [[nodiscard]] bool higher_is_better() const override { return true; }

  [[nodiscard]] Measurement measure(const Candidate& candidate, const LoopControl& control) override {
    const TemporaryFolder folder;
    const std::filesystem::path outputs = folder.path() / "outputs.npz";
    write_outputs(candidate, control, outputs);
    return {.value = run_command(words_, {{"{outputs}", outputs.string()}}, time_limit_, folder, control),
            .samples = data_->size(),
            .correct = std::nullopt};
  }

 private:
  static engine::Shape with_rows(std::int64_t rows, const engine::Tensor& sample) {
    engine::Shape shape = sample.shape();
    if (shape.empty() || shape[0] != 1) shape.insert(shape.begin(), rows);
    shape[0] = rows;
    return shape;
  }

  void write_outputs(const Candidate& candidate, const LoopControl& control, const std::filesystem::path& file) const {
    std::vector<engine::Executor> executors;
    for (int worker = 0; worker < control.threads; ++worker) executors.emplace_back(candidate.plan);
    const engine::Graph& graph = candidate.plan->graph();
    const std::vector<engine::Tensor> first = executors[0].run(data_->sample(0));
    std::vector<NpzArray> arrays;
    std::set<std::string> taken{"labels"};
    for (std::size_t index = 0; index < first.size(); ++index) {
      arrays.push_back({.name = array_name(graph[graph.outputs[index]].name, index, taken),
                        .type = first[index].type(),
                        .shape = with_rows(data_->size(), first[index])});
    }
    if (data_->has_labels()) {
      const engine::Tensor labels = data_->labels(0);
      engine::Shape shape = labels.shape();
      if (labels.elements() == 1) shape.clear();
      shape.insert(shape.begin(), data_->size());
      arrays.push_back({.name = "labels", .type = labels.type(), .shape = shape});
    }
    NpzWriter writer(file, arrays);
    const auto run = [&](int worker, std::int64_t index) {
      const std::vector<engine::Tensor> outputs = executors[static_cast<std::size_t>(worker)].run(data_->sample(index));
      for (std::size_t output = 0; output < outputs.size(); ++output) writer.write(output, index, outputs[output]);
      if (data_->has_labels()) writer.write(outputs.size(), index, data_->labels(index));
    };
    for_each_sample(data_->size(), control, run, [](std::int64_t) {});
    writer.finish();
  }

  // A name that every reader of archives takes, and no other array has.
  static std::string array_name(const std::string& output, std::size_t index, std::set<std::string>& taken) {
    std::string name = output;
    for (char& character : name) {
      const bool plain =
          std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_' || character == '-' || character == '.';
      if (!plain) character = '_';
    }
    if (name.empty() || taken.contains(name)) name = cat("output_", index);
    while (!taken.insert(name).second) name += '_';
    return name;
  }

  std::string command_;
  std::vector<std::string> words_;
  double time_limit_;
  std::shared_ptr<const Dataset> data_;
};

}  // namespace

std::unique_ptr<Meter> make_command_meter(std::string command, double time_limit_seconds) {
  return std::make_unique<CommandMeter>(std::move(command), time_limit_seconds);
}

std::unique_ptr<Meter> make_score_meter(std::string command, double time_limit_seconds, std::shared_ptr<const Dataset> data) {
  return std::make_unique<ScoreMeter>(std::move(command), time_limit_seconds, std::move(data));
}

}  // namespace titrate
