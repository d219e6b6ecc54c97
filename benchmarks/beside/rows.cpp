#include "benchmarks/beside/rows.hpp"

#include <stdexcept>

namespace titrate::benchmarks {

nlohmann::ordered_json outcomes_json(const std::vector<Outcome>& outcomes) {
  nlohmann::ordered_json document;
  for (const Outcome& outcome : outcomes) {
    nlohmann::ordered_json& each = document[outcome.name];
    if (!outcome.ran) {
      each = {{"ms", nullptr}, {"remark", outcome.remark}};
      continue;
    }
    each = {
        {"ms", outcome.milliseconds.median}, {"p10", outcome.milliseconds.low}, {"p90", outcome.milliseconds.high}, {"runs", outcome.runs}};
    if (!outcome.remark.empty()) each["remark"] = outcome.remark;
    const bool compared = outcome.ratio.median > 0 && &outcome != outcomes.data();
    if (compared) each["ratio"] = {{"median", outcome.ratio.median}, {"low", outcome.ratio.low}, {"high", outcome.ratio.high}};
  }
  return document;
}

Entry onnxruntime_entry(const RowOptions& options, const std::string& model, std::span<const NamedInput> inputs, bool kernels) {
  Entry entry{.name = "onnxruntime", .contender = nullptr, .remark = options.no_onnxruntime};
  if (options.onnxruntime == nullptr) return entry;
  try {
    entry.contender = options.onnxruntime->session(model, inputs, options.threads, kernels);
    entry.contender->run();
  } catch (const std::runtime_error& error) {
    return {.name = "onnxruntime", .contender = nullptr, .remark = error.what()};
  }
  // That run is in the profile, where the turns' runs are counted: what is measured gets a session of its own.
  if (kernels) entry.contender = options.onnxruntime->session(model, inputs, options.threads, kernels);
  return entry;
}

}  // namespace titrate::benchmarks
