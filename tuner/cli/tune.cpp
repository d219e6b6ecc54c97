// titrate tune: its options.
#include "tuner/cli/run_tuning.hpp"

namespace titrate::cli {

Run add_tune(CLI::App& parser) {
  auto options = std::make_shared<TuneOptions>();
  parser.add_option("MODEL", options->model, "the float .onnx file")->required();
  parser.add_option("--data", options->data, "samples and labels: .npz, .npy, a .json description, a folder of pictures, or embedded")
      ->required();
  parser.add_option("--labels", options->labels, "labels for data that has none of its own");
  parser.add_option("--calibration", options->calibration, "samples for the ranges of activations; default: the first part of --data");
  auto* metric =
      parser.add_option("--metric", options->metric, "top1, top5, perplexity, mse, cosine, sqnr; default: top1 with labels, else sqnr");
  auto* command = parser.add_option("--metric-cmd", options->metric_command,
                                    "a program that measures {model} and prints a number, or writes {\"value\":x} to {out}");
  auto* score = parser.add_option("--score-cmd", options->score_command,
                                  "a program that scores {outputs}, an .npz of the model's outputs and labels");
  metric->excludes(command)->excludes(score);
  command->excludes(score);
  parser.add_option("--higher-is-better", options->higher_is_better, "true or false; default: as the metric says, true for a program");
  parser.add_option("--metric-timeout", options->metric_timeout, "seconds that a metric program may take")->check(CLI::PositiveNumber);
  parser.add_option("--tolerable-loss", options->tolerable_loss, "how much worse the metric may be");
  parser.add_option("--loss", options->loss, "relative or absolute")->check(CLI::IsMember({"relative", "absolute"}));
  parser.add_option("--configs", options->configs, "what to try: a set (int8, weight_only, fp8, all), a config text, or a .json file");
  parser.add_option("--strategy", options->strategy,
                    "exhaustive, random, fallback (layers go back to 8 bit or float) or fallback_bf16 (to 8 bit or bf16)");
  parser.add_option("--max-trials", options->max_trials, "trials at most")->check(CLI::PositiveNumber);
  parser.add_option("--timeout", options->timeout, "seconds after which no further trial begins")->check(CLI::PositiveNumber);
  parser.add_option("--objective", options->objective, "first that passes, smallest size, or least latency")
      ->check(CLI::IsMember({"first", "size", "latency"}));
  parser.add_option("--study", options->study, "the file that keeps every trial; default: <model>.titrate.db");
  parser.add_flag("--fresh", options->fresh, "start over; an existing study is kept aside");
  parser.add_option("--output", options->output, "the best model so far; default: <model>.titrate.onnx");
  parser.add_option("--report", options->report, "write an HTML report here");
  parser.add_option("--form", options->form, "how weight-only matrices are written: qdq, or nbits (com.microsoft MatMulNBits)")
      ->check(CLI::IsMember({"qdq", "nbits"}));
  parser.add_option("--target", options->target, "what will run it: onnxruntime, openvino, tensorrt, any, or a .json description");
  parser.add_option("--model-type", options->model_type, "transformer: what surrounds attention stays float");
  parser.add_option("--seed", options->seed, "for strategies that draw");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  parser.add_flag("--quiet", options->quiet, "no progress on stderr");
  return [options](const Invocation& invocation) { return run_tuning(*options, invocation); };
}

}  // namespace titrate::cli
