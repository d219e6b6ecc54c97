#include "tuner/metrics/differences.hpp"

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {

Differences differences_of(const SampleResult& sample) {
  Differences sums;
  for (std::size_t index = 0; index < sample.outputs.size(); ++index) {
    const engine::Tensor& output = sample.outputs[index];
    const engine::Tensor& reference = sample.reference[index];
    if (output.type() != engine::DataType::float32) continue;
    if (output.elements() != reference.elements()) {
      throw_invalid(cat("output ", index, " has the shape ", engine::to_text(output.shape()), ", the float model's ",
                        engine::to_text(reference.shape())));
    }
    const auto outputs = output.data<float>();
    const auto references = reference.data<float>();
    for (std::size_t element = 0; element < outputs.size(); ++element) {
      const auto own = static_cast<double>(outputs[element]);
      const auto wanted = static_cast<double>(references[element]);
      sums.reference_energy += wanted * wanted;
      sums.output_energy += own * own;
      sums.product += wanted * own;
      sums.error_energy += (wanted - own) * (wanted - own);
    }
    sums.elements += output.elements();
  }
  if (sums.elements == 0) throw_invalid("the model has no float32 output to compare", {}, "use --metric-cmd or --score-cmd");
  return sums;
}

}  // namespace titrate
