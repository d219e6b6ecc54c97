// titrate compare: where a quantized model loses accuracy, layer by layer.
#include <unistd.h>

#include "engine/base/atomic_file.hpp"
#include "engine/base/text.hpp"
#include "reports/comparison_json.hpp"
#include "reports/comparison_text.hpp"
#include "reports/html/comparison_page.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/terminal.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/comparison.hpp"
#include "tuner/load.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string float_model;
  std::string quantized_model;
  std::string data;
  std::int64_t samples = 32;
  std::optional<std::string> report;
  int threads = 0;
  bool json = false;
};

int run(const Options& options) {
  const engine::Model float_model = load_runnable_model(options.float_model);
  const engine::Model quantized = load_runnable_model(options.quantized_model);
  const auto data = load_data(float_model, options.data);
  const LoopControl control{.threads = thread_count(options.threads), .progress = {}, .cancelled = interrupted};
  ComparisonRecord comparison =
      compare_models(float_model, quantized, *data, {.samples = options.samples, .histograms = options.report.has_value()}, control);
  comparison.float_file = options.float_model;
  comparison.quantized_file = options.quantized_model;
  if (options.report) write_file_atomically(*options.report, std::string_view(html::comparison_page(comparison)));
  if (options.json) {
    print_json(comparison_json(comparison));
  } else {
    print_text(comparison_text(comparison, terminal_report_options(STDOUT_FILENO)));
  }
  return 0;
}

}  // namespace

Run add_compare(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("FLOAT", options->float_model, "the float .onnx file")->required();
  parser.add_option("QUANTIZED", options->quantized_model, "a QDQ model that was made from it, here or by another tool")->required();
  parser.add_option("--data", options->data, "samples: .npz, .npy, a .json description, a folder of pictures, or embedded")->required();
  parser.add_option("--samples", options->samples, "how many samples, the first of the data; default 32")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  parser.add_option("--report", options->report, "also write a page with charts to this .html file");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
