// titrate demo: the embedded model and data, tuned.
#include <filesystem>

#include "datasets/embedded/embedded.hpp"
#include "engine/base/atomic_file.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/run_tuning.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string output = ".";
  int threads = 0;
  bool json = false;
  bool quiet = false;
};

int run(const Options& options, const Invocation& invocation) {
  const std::filesystem::path folder = options.output;
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw_usage("the folder cannot be made: " + failed.message(), folder.string(), "choose another --output");
  const std::filesystem::path model = folder / "glyphs.onnx";
  write_file_atomically(model, embedded_model());
  TuneOptions tuning;
  tuning.model = model.string();
  tuning.data = "embedded";
  tuning.strategy = "fallback";
  // Naive 4 bit, finer groups, and what is safe; then mixtures of them.
  tuning.configs = {"rtn(bits=4,sym=[true,false],group_size=[-1,32,16]);gptq(group_size=-1);static_int8()"};
  tuning.objective = "size";
  tuning.study = (folder / "glyphs.titrate.db").string();
  tuning.output = (folder / "glyphs.titrate.onnx").string();
  tuning.report = (folder / "report.html").string();
  tuning.threads = options.threads;
  tuning.json = options.json;
  tuning.quiet = options.quiet;
  return run_tuning(tuning, invocation);
}

}  // namespace

Run add_demo(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("--output", options->output, "the folder for model, study and report");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  parser.add_flag("--quiet", options->quiet, "no progress on stderr");
  return [options](const Invocation& invocation) { return run(*options, invocation); };
}

}  // namespace titrate::cli
