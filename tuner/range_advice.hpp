// Which calibrator would give a layer's input a better range, and the config that says so.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/config/config.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "tuner/layer_measurement.hpp"

namespace titrate {

struct RangeChoice {
  engine::ValueRange range;   ///< that the calibrator gives on the samples that were measured
  std::string calibrator;     ///< "percentile=99.9", "mse"
  double left = 0;            ///< of the noise of clipping and rounding, in the unit in which they were given
  std::string override_text;  ///< "name:conv1 = static_int8(calibrator=mse)"; "" if no config can say it
  std::string config;         ///< a whole config with it, as far as the file tells how the model was quantized; "" if it does not
};

/// Fits every calibrator but moving_average, which needs the order of samples, to the histograms of what the float model's values hold.
class RangeAdviser {
 public:
  RangeAdviser(const ComparedModels& models, const Measurements& measured);

  /// `clipping`, `rounding`: what they add to the noise of the layer's output now. None: the layer does not read one activation in 8-bit
  /// integers with one scale, or nothing is known of it.
  [[nodiscard]] std::optional<RangeChoice> best_for(std::size_t layer, double clipping, double rounding) const;

 private:
  [[nodiscard]] StaticInt8Scheme stored_scheme(const engine::ComparedLayer& layer) const;
  [[nodiscard]] std::string owner_of(const engine::QuantizedRead& read) const;
  void find_config();
  void find_owners();

  const ComparedModels& models_;
  const Measurements& measured_;
  /// How the model seems to be quantized, where all its layers are static INT8 or float: types and granularity as they are stored, the
  /// calibrator whose ranges come nearest to those in the file.
  std::optional<Config> config_;
  /// By the float model's value the layer whose scheme says its range: the one that makes it, or its first reader.
  std::map<std::string, std::string> owners_;
};

}  // namespace titrate
