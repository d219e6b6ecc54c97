#include <algorithm>

#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {

std::span<const QuantizerRow> scheme_implementations() {
  static const std::vector<QuantizerRow> rows = {float_scheme, rtn_scheme,   static_int8_scheme, dynamic_int8_scheme, fp8_scheme,
                                                 gptq_scheme,  awq_scheme,   hqq_scheme,         adaround_scheme,     signround_scheme,
                                                 mx_scheme,    nvfp4_scheme, nf4_scheme,         bf16_scheme};
  return rows;
}

const QuantizerRow& implementation_of(const Scheme& scheme) {
  const auto rows = scheme_implementations();
  return *std::find_if(rows.begin(), rows.end(), [&](const QuantizerRow& row) { return row.name == scheme_name(scheme); });
}

}  // namespace titrate::engine
