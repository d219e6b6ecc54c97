// titrate eval: measures a model on data.
#include <chrono>

#include "engine/base/text.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/evaluation.hpp"
#include "tuner/load.hpp"
#include "tuner/running_plan.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string model;
  std::string data;
  std::optional<std::string> labels;
  std::string metric;
  std::optional<std::string> reference;
  int threads = 0;
  bool emulate = false;
  bool saturate = false;
  bool json = false;
};

Arithmetic arithmetic_of(const Options& options) {
  return options.emulate ? Arithmetic::emulated : options.saturate ? Arithmetic::saturating : Arithmetic::lowered;
}

Evaluation measure(const Options& options) {
  const MetricRow& metric = metric_named(options.metric);
  const engine::Model model = load_runnable_model(options.model);
  const auto data = load_data(model, options.data, options.labels);
  const LoopControl control{.threads = thread_count(options.threads), .progress = {}, .cancelled = interrupted};
  const auto plan = running_plan(model, arithmetic_of(options));
  if (!metric.needs_reference) return evaluate(plan, *data, metric, nullptr, control);
  if (!options.reference) {
    throw_usage(cat("the metric ", metric.name, " compares with the float model"), "--metric", "name it with --reference FLOAT.onnx");
  }
  const auto float_plan = running_plan(load_runnable_model(*options.reference));
  const ReferenceOutputs reference(float_plan, *data, control);
  return evaluate(plan, *data, metric, &reference, control);
}

int run(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Evaluation evaluation = measure(options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.json) {
    nlohmann::ordered_json document = {
        {"schema", 1}, {"metric", options.metric}, {"value", evaluation.value}, {"samples", evaluation.samples}};
    if (evaluation.correct) document["correct"] = *evaluation.correct;
    document["arithmetic"] = name_of(arithmetic_of(options));
    document["seconds"] = seconds;
    print_json(document);
    return 0;
  }
  std::string text = cat(options.metric, " ", shortest(evaluation.value));
  if (evaluation.correct)
    text += cat("  (", *evaluation.correct, " of ", evaluation.samples, ")");
  else if (metric_named(options.metric).needs_labels)
    text += cat("  (over ", evaluation.samples, " labels)");
  print_text(cat(text, "\n"));
  return 0;
}

}  // namespace

Run add_eval(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, "the .onnx file")->required();
  parser.add_option("--data", options->data, "samples and labels: .npz, .npy, a .json description, a folder of pictures, or embedded")
      ->required();
  parser.add_option("--labels", options->labels, "labels for data that has none of its own");
  parser.add_option("--metric", options->metric, "top1, top5, perplexity, mse, cosine, sqnr")->required();
  parser.add_option("--reference", options->reference, "the float model, for mse, cosine and sqnr");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  auto* emulate =
      parser.add_flag("--emulate", options->emulate, "compute quantized nodes in float on dequantized numbers, not on integers");
  parser
      .add_flag("--saturate", options->saturate,
                "compute as ONNX Runtime does on x86 processors without VNNI, where sums of 16 bits saturate")
      ->excludes(emulate);
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
