// The per-layer table of a trial.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tuner/study/trial.hpp"

namespace titrate::html {

/// What a row of the table says, as it is shown. The page's script makes the same table for other trials from the same texts.
struct LayerRow {
  std::string name;
  std::string type;
  std::string decision;
  std::string sqnr;     ///< "31.2 dB"
  double sqnr_bar = 0;  ///< 0 to 100
  std::string before;   ///< bytes in the float model
  std::string after;
  std::string reason;
  bool is_float = false;
};

[[nodiscard]] LayerRow layer_row(const LayerDecision& layer);
/// "11 quantized, 1 float; weights 26.1 KB → 10.2 KB; lowest SQNR 12.3 dB at conv2"
[[nodiscard]] std::string layers_summary(const std::vector<LayerDecision>& layers);
/// Of the best trial, or else of the first that has layers.
[[nodiscard]] std::string layers_section(const StudyRecord& study);

}  // namespace titrate::html
