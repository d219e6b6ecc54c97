#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "benchmarks/beside/cases.hpp"
#include "benchmarks/beside/onednn.hpp"
#include "benchmarks/beside/rows.hpp"
#include "benchmarks/beside/titrate_entry.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "tuner/random_inputs.hpp"
#include "tuner/running_plan.hpp"
#include "tuner/thread_limit.hpp"

namespace titrate::benchmarks {
namespace {

// A process that keeps the last core busy for as long as this object lives.
class BusyCore {
 public:
  BusyCore() : child_(fork()) {
    if (child_ < 0) throw std::runtime_error("no second process can be started");
    if (child_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN) - 1), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    for (volatile unsigned count = 0;;) count = count + 1;
  }
  ~BusyCore() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  BusyCore(const BusyCore&) = delete;
  BusyCore& operator=(const BusyCore&) = delete;

 private:
  pid_t child_;
};

// OpenMP's number of threads is set for each run: other entries use others.
class WithThreads final : public Contender {
 public:
  WithThreads(std::unique_ptr<Contender> inner, int threads) : inner_(std::move(inner)), threads_(threads) {}
  void run() override {
    const ThreadLimit limit(threads_);
    inner_->run();
  }

 private:
  std::unique_ptr<Contender> inner_;
  int threads_;
};

// The first entry is one thread of titrate; the others use all that were asked for.
void contention_row(const RowOptions& options, const std::string& name, const std::string& type, const engine::Model& model,
                    const std::string& file, Entry onednn) {
  std::vector<NamedInput> inputs;
  std::vector<engine::Tensor> fed;
  for (const RandomInput& input : random_inputs(model.graph, 1, 0)) {
    inputs.push_back({input.name, input.tensor});
    fed.push_back(input.tensor);
  }
  const auto plan = running_plan(model);
  std::vector<Entry> entries;
  entries.push_back({.name = "titrate, one thread", .contender = titrate_contender(plan, fed, 1, false), .remark = {}});
  entries.push_back({.name = "titrate", .contender = titrate_contender(plan, fed, options.threads, false), .remark = {}});
  entries.push_back(onnxruntime_entry(options, file, inputs, false));
  if (onednn.contender) {
    onednn.contender = std::make_unique<WithThreads>(std::move(onednn.contender), options.threads);
    entries.push_back(std::move(onednn));
  }
  const std::vector<Outcome> outcomes = take_turns(entries, options.turns);
  nlohmann::ordered_json row = {{"kind", "contention"}, {"case", name}, {"type", type}, {"threads", options.threads}};
  row["results"] = outcomes_json(outcomes);
  options.print(std::move(row));
}

void kernel_contention(const RowOptions& options, const KernelCase& kernel, KernelType type) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / cat("titrate_benchmark_", getpid(), ".onnx");
  engine::Model model = kernel_model(kernel, type);
  engine::save_model(model, file);
  try {
    (void)running_plan(model);
  } catch (const Error&) {
    model = kernel_model_qdq(kernel);
  }
  contention_row(options, std::string(kernel.name), std::string(name_of(type)), model, file.string(), onednn_entry(kernel, type));
  std::filesystem::remove(file);
}

}  // namespace

void contention_rows(const RowOptions& options, const std::vector<std::string>& models) {
  const BusyCore busy;
  for (const KernelCase& kernel : kernel_cases()) {
    const bool chosen = kernel.name == "49x512x2048" || kernel.name == "3x3 64->64 at 56";
    for (const KernelType type : {KernelType::float32, KernelType::int8}) {
      if (chosen) kernel_contention(options, kernel, type);
    }
  }
  for (const std::string& model : models) {
    contention_row(options, std::filesystem::path(model).stem().string(), "", engine::read_model(model), model,
                   {.name = "onednn", .contender = nullptr, .remark = "runs no models"});
  }
}

}  // namespace titrate::benchmarks
