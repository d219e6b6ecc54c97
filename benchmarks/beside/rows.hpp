// What the programs print: one JSON object a line for each row.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "benchmarks/beside/measure.hpp"
#include "benchmarks/beside/onnxruntime.hpp"

namespace titrate::benchmarks {

struct RowOptions {
  int threads = 1;
  Turns turns;
  std::string filter;                        ///< rows whose name and type contain it
  const OnnxRuntime* onnxruntime = nullptr;  ///< null: not there
  std::string no_onnxruntime;                ///< why not
  std::function<void(nlohmann::ordered_json)> print;
};

/// {"titrate": {"ms", "p10", "p90", "runs", "remark"}, "onnxruntime": {..., "ratio": {"median", "low", "high"}}}; null where it did not
/// run.
[[nodiscard]] nlohmann::ordered_json outcomes_json(const std::vector<Outcome>& outcomes);

/// An entry for ONNX Runtime, or one that says why there is none.
[[nodiscard]] Entry onnxruntime_entry(const RowOptions& options, const std::string& model, std::span<const NamedInput> inputs,
                                      bool kernels);

void kernel_rows(const RowOptions& options);
/// Times of two threads and more while another process keeps one core busy, beside those of one thread.
void contention_rows(const RowOptions& options, const std::vector<std::string>& models);
/// `label`: "resnet18 i8"
void model_row(const RowOptions& options, const std::string& name, const std::string& type, const std::string& file, std::int64_t batch);

}  // namespace titrate::benchmarks
