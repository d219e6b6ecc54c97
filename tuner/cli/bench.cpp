// titrate bench: how long a model takes here, and where the time goes.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>

#include "engine/base/atomic_file.hpp"
#include "engine/base/cpu.hpp"
#include "engine/base/text.hpp"
#include "reports/figures.hpp"
#include "reports/text_table.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/terminal.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/latency.hpp"
#include "tuner/load.hpp"
#include "tuner/profile.hpp"
#include "tuner/random_inputs.hpp"
#include "tuner/running_plan.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> data;
  int threads = 0;
  std::int64_t batch = 0;
  double seconds = 2;
  std::uint64_t seed = 0;
  bool profile = false;
  std::optional<std::string> trace;
  bool json = false;
};

// What one measured run computes.
struct Workload {
  std::vector<std::vector<engine::Tensor>> samples;  ///< each fed in a call of its own
  std::vector<RandomInput> made_up;                  ///< those inputs, if they are no data
  std::int64_t batch = 1;
  std::vector<std::string> notes;

  /// One call with all of the batch in its tensors; else each sample by itself, on several threads at once.
  [[nodiscard]] bool is_tensor() const { return samples.size() == 1; }
};

// Samples of [1, ...] as one of [count, ...].
std::vector<engine::Tensor> stacked(const Dataset& data, std::int64_t count) {
  std::vector<engine::Tensor> batch = data.sample(0);
  if (count == 1) return batch;
  for (std::size_t input = 0; input < batch.size(); ++input) {
    const engine::Tensor first = batch[input];
    engine::Shape shape = first.shape();
    const bool stackable = !shape.empty() && shape[0] == 1 && engine::bits_of(first.type()) >= 8;
    if (!stackable) throw_usage("these samples cannot be put together into a batch: an input does not lead with 1", "--batch");
    shape[0] = count;
    batch[input] = engine::Tensor::uninitialized(first.type(), shape);
    for (std::int64_t sample = 0; sample < count; ++sample) {
      const engine::Tensor part = data.sample(sample % data.size())[input];
      if (part.shape() != first.shape()) throw_usage("samples of different shapes cannot be put together into a batch", "--batch");
      std::memcpy(batch[input].mutable_bytes().data() + static_cast<std::size_t>(sample) * part.bytes().size(), part.bytes().data(),
                  part.bytes().size());
    }
  }
  return batch;
}

Workload workload_of(const Options& options, const engine::Model& model) {
  const std::int64_t fixed = fixed_batch(model.graph);
  Workload workload{
      .samples = {}, .made_up = {}, .batch = options.batch > 0 ? options.batch : std::max<std::int64_t>(1, fixed), .notes = {}};
  const bool one_by_one = fixed == 1 && workload.batch > 1;
  if (fixed >= 0 && workload.batch != fixed && !one_by_one) {
    throw_usage(cat("the model's batch is fixed at ", fixed), "--batch",
                cat("use --batch ", fixed, ", or export the model with a batch that is left open"));
  }
  if (one_by_one) {
    workload.notes.push_back(cat("the model's batch is fixed at 1: the ", workload.batch,
                                 " samples run one by one, on as many threads at once as were asked for"));
  }
  const std::int64_t in_tensor = one_by_one ? 1 : workload.batch;
  const std::int64_t calls = one_by_one ? workload.batch : 1;
  if (options.data) {
    const auto data = load_data(model, *options.data);
    for (std::int64_t call = 0; call < calls; ++call)
      workload.samples.push_back(one_by_one ? data->sample(call % data->size()) : stacked(*data, in_tensor));
    return workload;
  }
  workload.made_up = random_inputs(model.graph, in_tensor, options.seed);
  std::vector<engine::Tensor> inputs;
  for (const RandomInput& input : workload.made_up) inputs.push_back(input.tensor);
  workload.samples.assign(static_cast<std::size_t>(calls), inputs);
  workload.notes.push_back(cat("no --data: inputs are made up (seed ", options.seed, ")"));
  const std::vector<std::string> open = open_sizes(model.graph, in_tensor);
  if (!open.empty()) workload.notes.push_back(cat("sizes that the model leaves open: ", join(open, ", ")));
  return workload;
}

Latency measure(const std::shared_ptr<const engine::Plan>& plan, const Workload& workload, const LatencyOptions& options) {
  if (workload.is_tensor()) return measure_latency(plan, workload.samples[0], options);
  std::vector<engine::Executor> executors;
  for (int worker = 0; worker < options.threads; ++worker) executors.emplace_back(plan);
  const LoopControl control{.threads = options.threads, .progress = {}, .cancelled = options.cancelled};
  const auto run = [&](int worker, std::int64_t index) {
    (void)executors[static_cast<std::size_t>(worker)].run(workload.samples[static_cast<std::size_t>(index)]);
  };
  return measure_latency([&] { for_each_sample(std::ssize(workload.samples), control, run, [](std::int64_t) {}); }, options);
}

struct Measured {
  Latency latency;
  std::optional<Profile> profile;
  int threads = 1;
  [[nodiscard]] double throughput(const Workload& workload) const {
    return static_cast<double>(workload.batch) * 1000 / std::max(latency.median_ms, 1e-9);
  }
};

nlohmann::ordered_json profile_json(const Profile& profile) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const NodeTime& node : profile.nodes) {
    nodes.push_back({{"name", node.name},
                     {"type", node.type},
                     {"calls", node.calls},
                     {"total_ms", node.total_ms},
                     {"share", node.total_ms / profile.total_ms}});
  }
  return {{"runs", profile.runs}, {"total_ms", profile.total_ms}, {"nodes", std::move(nodes)}};
}

nlohmann::ordered_json document_of(const Options& options, const Workload& workload, const Measured& measured) {
  const Latency& latency = measured.latency;
  nlohmann::ordered_json inputs = nlohmann::ordered_json::array();
  for (const RandomInput& input : workload.made_up) {
    inputs.push_back({{"name", input.name},
                      {"type", engine::name_of(input.tensor.type())},
                      {"shape", input.tensor.shape()},
                      {"content", input.content}});
  }
  nlohmann::ordered_json document = {{"schema", 1},
                                     {"model", options.model},
                                     {"latency_ms",
                                      {{"median", latency.median_ms},
                                       {"p10", latency.p10_ms},
                                       {"p90", latency.p90_ms},
                                       {"minimum", latency.minimum_ms},
                                       {"noise", latency.noise_ms}}},
                                     {"throughput", measured.throughput(workload)},
                                     {"threads", measured.threads},
                                     {"batch", workload.batch},
                                     {"batch_mode", workload.is_tensor() ? "tensor" : "samples"},
                                     {"isa", name_of(selected_isa())},
                                     {"processor", processor_name()},
                                     {"repetitions", latency.repetitions},
                                     {"warm_up", latency.warm_up},
                                     {"inputs", std::move(inputs)},
                                     {"notes", workload.notes}};
  if (options.profile) document["profile"] = profile_json(*measured.profile);
  return document;
}

std::string percent(double share) { return cat(rounded(100 * share, 3), " %"); }

std::string profile_text(const Profile& profile) {
  std::vector<NodeTime> nodes = profile.nodes;
  std::map<std::string, NodeTime> types;
  for (const NodeTime& node : nodes) {
    types[node.type].calls += node.calls;
    types[node.type].total_ms += node.total_ms;
  }
  const auto add = [&](TextTable& table, const std::string& name, const std::string& type, const NodeTime& node) {
    table.add({name, type, std::to_string(node.calls), rounded(node.total_ms, 4), percent(node.total_ms / profile.total_ms)});
  };
  const auto title = [](const char* first) {
    return TextTable(
        {{first, false, true}, {"type", false, false}, {"calls", true, false}, {"total ms", true, false}, {"share", true, false}});
  };
  std::stable_sort(nodes.begin(), nodes.end(), [](const NodeTime& a, const NodeTime& b) { return a.total_ms > b.total_ms; });
  TextTable by_type = title("all of a type");
  std::vector<std::pair<std::string, NodeTime>> sums(types.begin(), types.end());
  std::stable_sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.second.total_ms > b.second.total_ms; });
  for (const auto& [type, sum] : sums) add(by_type, visible(type), "", sum);
  TextTable by_node = title("node");
  for (const NodeTime& node : nodes) add(by_node, visible(node.name), visible(node.type), node);
  const int width = terminal_columns(STDOUT_FILENO);
  return cat("\n", profile.runs, " runs of one sample or batch, timed node by node\n\n", by_type.text(width), "\n", by_node.text(width));
}

std::string text_of(const Workload& workload, const Measured& measured) {
  const Latency& latency = measured.latency;
  std::string text = cat("latency     ", latency_text(latency.median_ms, latency.noise_ms), "  (p10 ", rounded(latency.p10_ms, 3), ", p90 ",
                         rounded(latency.p90_ms, 3), "; ", latency.repetitions, " runs after ", latency.warm_up, " to warm up)\n");
  text += cat("throughput  ", rounded(measured.throughput(workload), 4), " samples/s  (batch ", workload.batch, ", ",
              count_text(static_cast<std::size_t>(measured.threads), "thread"), ", ", name_of(selected_isa()), ")\n");
  for (const RandomInput& input : workload.made_up) {
    std::string shape;
    for (const std::int64_t size : input.tensor.shape()) shape += cat(shape.empty() ? "" : ",", size);
    text += cat("input       ", visible(input.name), "  ", engine::name_of(input.tensor.type()), "[", shape, "]  ", input.content, "\n");
  }
  for (const std::string& note : workload.notes) text += cat("note        ", visible(note), "\n");
  return text;
}

int run(const Options& options) {
  const engine::Model model = load_runnable_model(options.model);
  const Workload workload = workload_of(options, model);
  const auto plan = running_plan(model);
  Measured measured{.latency = {}, .profile = {}, .threads = thread_count(options.threads)};
  LatencyOptions measuring{.threads = measured.threads, .seconds = options.seconds, .cancelled = interrupted};
  measured.latency = measure(plan, workload, measuring);
  if (options.profile || options.trace) {
    measuring.seconds = std::min(options.seconds, 1.0);
    measured.profile = profile_model(plan, workload.samples[0], measuring);
  }
  if (options.trace) write_file_atomically(*options.trace, std::string_view(chrome_trace(*measured.profile)));
  if (options.json) {
    print_json(document_of(options, workload, measured));
    return 0;
  }
  print_text(cat(text_of(workload, measured), options.profile ? profile_text(*measured.profile) : std::string()));
  return 0;
}

}  // namespace

Run add_bench(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, "the .onnx file")->required();
  parser.add_option("--data", options->data, "measure on these samples, the first of them; default: inputs are made up");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  parser
      .add_option("--batch", options->batch,
                  "samples in one call; of a model whose batch is fixed at 1: samples that run one by one, on all threads at once")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  parser.add_option("--seconds", options->seconds, "how long to measure after the warm-up; default 2")->check(CLI::Range(0.0, 86400.0));
  parser.add_option("--seed", options->seed, "of inputs that are made up; default 0");
  parser.add_flag("--profile", options->profile, "also where the time goes, operator by operator");
  parser.add_option("--trace", options->trace, "write a Chrome trace (chrome://tracing, Perfetto) to this file");
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
