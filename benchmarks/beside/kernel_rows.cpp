#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "benchmarks/beside/cases.hpp"
#include "benchmarks/beside/eigen_product.hpp"
#include "benchmarks/beside/onednn.hpp"
#include "benchmarks/beside/rows.hpp"
#include "benchmarks/beside/titrate_entry.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/write.hpp"
#include "tuner/random_inputs.hpp"
#include "tuner/running_plan.hpp"

namespace titrate::benchmarks {
namespace {

class EigenProduct final : public Contender {
 public:
  EigenProduct(const KernelCase& kernel, int threads)
      : kernel_(kernel),
        threads_(threads),
        left_(static_cast<std::size_t>(kernel.rows * kernel.depth), 0.5F),
        right_(static_cast<std::size_t>(kernel.depth * kernel.columns), 0.25F),
        result_(static_cast<std::size_t>(kernel.rows * kernel.columns)) {}
  void run() override {
    eigen_product(left_.data(), right_.data(), result_.data(), kernel_.rows, kernel_.depth, kernel_.columns, threads_);
  }

 private:
  KernelCase kernel_;
  int threads_;
  std::vector<float> left_;
  std::vector<float> right_;
  std::vector<float> result_;
};

// The row's own form, or, where the engine has no such operator yet, float operators between Q and DQ.
Entry titrate_entry(const KernelCase& kernel, KernelType type, int threads) {
  const auto entry = [&](engine::Model model, std::string remark) {
    std::vector<engine::Tensor> inputs;
    for (const RandomInput& input : random_inputs(model.graph, 1, 0)) inputs.push_back(input.tensor);
    return Entry{.name = "titrate",
                 .contender = titrate_contender(running_plan(std::move(model)), std::move(inputs), threads, true),
                 .remark = std::move(remark)};
  };
  try {
    return entry(kernel_model(kernel, type), {});
  } catch (const Error& error) {
    if (type != KernelType::int8) return {.name = "titrate", .contender = nullptr, .remark = error.what()};
  }
  try {
    return entry(kernel_model_qdq(kernel), "emulated: Q and DQ around the float operator");
  } catch (const Error& error) {
    return {.name = "titrate", .contender = nullptr, .remark = error.what()};
  }
}

void kernel_row(const RowOptions& options, const KernelCase& kernel, KernelType type) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / cat("titrate_benchmark_", getpid(), ".onnx");
  const engine::Model model = kernel_model(kernel, type);
  engine::save_model(model, file);
  std::vector<NamedInput> inputs;
  for (const RandomInput& input : random_inputs(model.graph, 1, 0)) inputs.push_back({input.name, input.tensor});
  std::vector<Entry> entries;
  entries.push_back(titrate_entry(kernel, type, options.threads));
  entries.push_back(onnxruntime_entry(options, file.string(), inputs, true));
  entries.push_back(onednn_entry(kernel, type));
  if (kernel.kind == KernelKind::product && type == KernelType::float32) {
    entries.push_back({.name = "eigen", .contender = std::make_unique<EigenProduct>(kernel, options.threads), .remark = {}});
  }
  const std::vector<Outcome> outcomes = take_turns(entries, options.turns);
  std::filesystem::remove(file);
  nlohmann::ordered_json row = {{"kind", "kernel"},
                                {"case", kernel.name},
                                {"type", name_of(type)},
                                {"threads", options.threads},
                                {"operations", operations_of(kernel)},
                                {"bytes", bytes_of(kernel, type)}};
  row["results"] = outcomes_json(outcomes);
  options.print(std::move(row));
}

}  // namespace

void kernel_rows(const RowOptions& options) {
  for (const KernelCase& kernel : kernel_cases()) {
    for (const KernelType type : types_of(kernel)) {
      const std::string name = cat(kernel.name, " ", name_of(type));
      if (name.find(options.filter) == std::string::npos) continue;
      try {
        kernel_row(options, kernel, type);
      } catch (const std::exception& error) {  // the other rows are worth having
        std::cerr << name << " is left out: " << error.what() << '\n';
      }
    }
  }
}

}  // namespace titrate::benchmarks
