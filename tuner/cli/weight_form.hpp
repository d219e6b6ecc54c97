// --form.
#pragma once

#include <string>

#include "engine/quant/schemes/scheme.hpp"

namespace titrate::cli {

[[nodiscard]] inline engine::WeightForm weight_form(const std::string& word) {
  return word == "nbits" ? engine::WeightForm::nbits : engine::WeightForm::qdq;
}

}  // namespace titrate::cli
