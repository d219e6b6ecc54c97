// What the float model gives for every sample, kept in a temporary file: memory does not grow with the number of samples.
#pragma once

#include <memory>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/run/executor.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

class ReferenceOutputs {
 public:
  /// Runs the float model over the data. The file has no name and goes away with the object; it lies in TMPDIR. Throws Error(internal) if
  /// the disk is full.
  ReferenceOutputs(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, const LoopControl& control);
  ~ReferenceOutputs();
  ReferenceOutputs(const ReferenceOutputs&) = delete;
  ReferenceOutputs& operator=(const ReferenceOutputs&) = delete;

  /// Of one sample. Thread-safe.
  [[nodiscard]] std::vector<engine::Tensor> outputs(std::int64_t index) const;

 private:
  struct Place {
    std::uint64_t offset = 0;
    engine::DataType type = engine::DataType::undefined;
    engine::Shape shape;
  };
  void append(std::int64_t index, const std::vector<engine::Tensor>& outputs);

  int descriptor_ = -1;
  std::uint64_t end_ = 0;
  std::vector<std::vector<Place>> places_;
};

}  // namespace titrate
