// ONNX Runtime's C interface, loaded at run time from the library that its node package brings; its headers are not needed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/beside/measure.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate::benchmarks {

/// The library below TITRATE_ORT_MODULES/node_modules/onnxruntime-node, or "" if the variable is not set or nothing is there.
[[nodiscard]] std::string find_onnxruntime();

struct NamedInput {
  std::string name;
  engine::Tensor tensor;
};

class OnnxRuntime {
 public:
  /// Throws std::runtime_error if the library cannot be used.
  explicit OnnxRuntime(const std::string& library);
  [[nodiscard]] const std::string& version() const { return version_; }

  /// A session over a model file, fed with the same inputs in each run. `kernels`: the time that counts is that of the kernels by ONNX
  /// Runtime's own profile, without changes of layout (Transpose, ReorderInput, ReorderOutput); else what the clock shows. Throws
  /// std::runtime_error with what ONNX Runtime says against the model.
  [[nodiscard]] std::unique_ptr<Contender> session(const std::string& model, std::span<const NamedInput> inputs, int threads,
                                                   bool kernels) const;
  /// The elements of the first output of one run, if they are float32.
  [[nodiscard]] std::optional<std::vector<float>> first_output(const std::string& model, std::span<const NamedInput> inputs) const;

 private:
  void* const* table_ = nullptr;
  void* environment_ = nullptr;
  std::string version_;
};

}  // namespace titrate::benchmarks
