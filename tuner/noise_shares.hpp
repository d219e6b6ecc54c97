// How much each layer adds to the noise at a quantized model's outputs, and what a change would do.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/quant/partly_float.hpp"
#include "tuner/layer_measurement.hpp"

namespace titrate {

/// Runs models that are made from the quantized one and compares their outputs with the float model's. Those are kept where the samples are
/// few, else computed again, so that memory does not grow with them.
class OutputNoise {
 public:
  OutputNoise(const ComparedModels& models, const Dataset& data, std::int64_t samples, const LoopControl& control);

  [[nodiscard]] std::int64_t samples() const { return samples_; }
  /// Of the model with these changes, one for each layer (engine/quant/partly_float.hpp); none if a layer cannot be put back.
  [[nodiscard]] std::optional<LikenessSums> of(std::span<const engine::LayerChange> changes, bool rest_as_it_is) const;
  /// Of the model as it is.
  [[nodiscard]] LikenessSums whole() const { return of_model(models_.quantized); }
  /// Of the model in which this layer alone is quantized.
  [[nodiscard]] std::optional<LikenessSums> of_one(std::size_t layer) const;

 private:
  [[nodiscard]] LikenessSums of_model(const engine::Model& model) const;

  const ComparedModels& models_;
  const Dataset& data_;
  std::int64_t samples_;
  const LoopControl& control_;
  std::shared_ptr<const engine::Plan> float_plan_;
  std::vector<std::vector<engine::Tensor>> wanted_;  ///< the float model's outputs by sample; empty: computed again
};

}  // namespace titrate
