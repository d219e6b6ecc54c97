#include "engine/quant/bias_correction/correct_biases.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/quant/bias_correction/add_to_bias.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/scaling/site.hpp"
#include "engine/quant/weight_matrix.hpp"
#include "engine/quant/weights/input_rows.hpp"
#include "engine/quant/weights/stepped_run.hpp"

namespace titrate::engine {
namespace {

// Samples and rows of each whose means are taken: the mean of a channel is soon known.
constexpr std::int64_t most_samples = 64;
constexpr std::int64_t rows_of_sample = 1024;

bool is_layer(const Node& node) { return node.domain.empty() && (node.type == "Conv" || node.type == "Gemm" || node.type == "MatMul"); }

std::size_t place_of(const Graph& graph, const std::string& name) {
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.name == name; });
  return static_cast<std::size_t>(found - graph.nodes.begin());
}

// Sums per channel along an axis, in double.
void add_by_channel(std::vector<double>& sums, const Tensor& tensor, std::int64_t axis, double sign) {
  std::size_t inner = 1;
  for (std::int64_t later = axis + 1; later < tensor.rank(); ++later)
    inner *= static_cast<std::size_t>(tensor.shape()[static_cast<std::size_t>(later)]);
  const auto elements = tensor.data<float>();
  for (std::size_t index = 0; index < elements.size(); ++index)
    sums[index / inner % sums.size()] += sign * static_cast<double>(elements[index]);
}

class BiasCorrector {
 public:
  BiasCorrector(const Model& prepared, const Conversion& dry, const CalibrationSamples& samples, StageRemarks& remarks)
      : corrected_(prepared), prepared_(prepared), quantized_(dry.model), samples_(samples), remarks_(remarks) {
    fold_constants(quantized_, {.dequantize = true});
  }

  void fast(const std::vector<std::string>& names) {
    std::vector<ScalingSite> sites;
    for (const std::string& name : names) {
      const std::size_t place = place_of(prepared_.graph, name);
      sites.push_back({.input = prepared_.graph.nodes[place].inputs[0], .channels = 0, .axis = 0, .readers = {place}});
    }
    std::vector<std::vector<double>> sums(sites.size());
    std::vector<std::int64_t> rows(sites.size());
    observe_sites(prepared_, sites, few_samples(), [&](std::size_t site, std::int64_t, const Tensor& input) {
      const Node& node = prepared_.graph.nodes[sites[site].readers[0]];
      const InputRows taken = input_rows(node, prepared_.graph.constant_input(node, 1)->shape(), input, rows_of_sample);
      sums[site].resize(static_cast<std::size_t>(taken.groups * taken.columns));
      for (std::int64_t group = 0; group < taken.groups; ++group) {
        const auto own = taken.group(group);
        for (std::size_t index = 0; index < own.size(); ++index)
          sums[site][static_cast<std::size_t>(group * taken.columns) + index % static_cast<std::size_t>(taken.columns)] +=
              static_cast<double>(own[index]);
      }
      rows[site] += taken.rows;
    });
    for (std::size_t site = 0; site < sites.size(); ++site) {
      for (double& sum : sums[site]) sum /= static_cast<double>(std::max<std::int64_t>(rows[site], 1));
      shift_by_weights(names[site], sums[site]);
    }
  }

  void full(std::vector<std::string> names) {
    // In the order in which the quantized graph runs.
    std::stable_sort(names.begin(), names.end(), [&](const std::string& first, const std::string& second) {
      return place_of(quantized_.graph, first) < place_of(quantized_.graph, second);
    });
    const std::int64_t count = std::min(samples_.count, most_samples);
    SteppedRun floats(prepared_, samples_, count);
    SteppedRun quantized(quantized_, samples_, count);
    for (const std::string& name : names) correct_outputs(name, floats, quantized, count);
  }

  [[nodiscard]] Model take() { return std::move(corrected_); }

  /// Values that are new, and the old ones whose ranges they have, but for the shift.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& new_values() const { return new_values_; }

 private:
  CalibrationSamples few_samples() const {
    CalibrationSamples few = samples_;
    few.count = std::min(samples_.count, most_samples);
    return few;
  }

  void say(const std::string& name, const std::string& what) { remarks_[name].push_back(what); }

  // (W - W^) E[x].
  void shift_by_weights(const std::string& name, const std::vector<double>& means) {
    const std::size_t place = place_of(quantized_.graph, name);
    const Node& own = *prepared_.graph.find_node(name);
    if (place == quantized_.graph.nodes.size() || !is_layer(quantized_.graph.nodes[place]) ||
        weight_refusal(quantized_.graph, quantized_.graph.nodes[place]))
      return say(name, "bias not corrected: its quantized weights cannot be read back");
    const WeightMatrix before = weight_matrix_of(prepared_.graph, own);
    const WeightMatrix after = weight_matrix_of(quantized_.graph, quantized_.graph.nodes[place]);
    const float alpha = own.type == "Gemm" ? own.number("alpha", 1) : 1.0F;
    const float alpha_after = quantized_.graph.nodes[place].type == "Gemm" ? quantized_.graph.nodes[place].number("alpha", 1) : 1.0F;
    std::vector<double> shift(static_cast<std::size_t>(before.rows));
    const auto rows_of_group = before.rows / (std::ssize(means) / before.columns);
    for (std::int64_t row = 0; row < before.rows; ++row) {
      const auto first = static_cast<std::size_t>(row / rows_of_group * before.columns);
      for (std::size_t column = 0; column < static_cast<std::size_t>(before.columns); ++column) {
        const double difference = static_cast<double>(before.row(row)[column]) * static_cast<double>(alpha) -
                                  static_cast<double>(after.row(row)[column]) * static_cast<double>(alpha_after);
        shift[static_cast<std::size_t>(row)] += difference * means[first + column];
      }
    }
    apply(name, shift);
  }

  // The outputs' mean difference; the quantized values are moved too, so that later layers see them corrected.
  void correct_outputs(const std::string& name, SteppedRun& floats, SteppedRun& quantized, std::int64_t count) {
    const std::size_t place = place_of(quantized_.graph, name);
    if (place == quantized_.graph.nodes.size() || !is_layer(quantized_.graph.nodes[place]))
      return say(name, "bias not corrected: its outputs are no longer one value");
    const ValueId output = quantized_.graph.nodes[place].outputs[0];
    const auto own = prepared_.graph.find_value(quantized_.graph[output].name);
    const int producer = own ? Uses(prepared_.graph).producer(*own) : -1;
    if (producer < 0) return say(name, "bias not corrected: its outputs are not a value of the float model");
    floats.advance_to(static_cast<std::size_t>(producer) + 1);
    quantized.advance_to(place + 1);
    if (count == 0 || !floats.has_value(*own) || !quantized.has_value(output))
      return say(name, "bias not corrected: the two graphs run in different orders here");
    const std::int64_t axis = quantized_.graph.nodes[place].type == "Conv" ? 1 : floats.value(0, *own).rank() - 1;
    const auto channels = static_cast<std::size_t>(floats.value(0, *own).shape()[static_cast<std::size_t>(axis)]);
    std::vector<double> shift(channels);
    std::int64_t elements = 0;
    for (std::int64_t sample = 0; sample < count; ++sample) {
      add_by_channel(shift, floats.value(sample, *own), axis, 1);
      add_by_channel(shift, quantized.value(sample, output), axis, -1);
      elements += floats.value(sample, *own).elements();
    }
    for (double& sum : shift) sum /= static_cast<double>(elements) / static_cast<double>(channels);
    if (!apply(name, shift)) return;
    for (std::int64_t sample = 0; sample < count; ++sample) {
      const Tensor& value = quantized.value(sample, output);
      std::size_t inner = 1;
      for (std::int64_t later = axis + 1; later < value.rank(); ++later)
        inner *= static_cast<std::size_t>(value.shape()[static_cast<std::size_t>(later)]);
      std::vector<float> moved(value.data<float>().begin(), value.data<float>().end());
      for (std::size_t index = 0; index < moved.size(); ++index) moved[index] += static_cast<float>(shift[index / inner % channels]);
      quantized.replace_value(sample, output, Tensor::of<float>(value.shape(), moved));
    }
  }

  bool apply(const std::string& name, const std::vector<double>& shift) {
    std::vector<float> floats(shift.begin(), shift.end());
    if (!std::all_of(floats.begin(), floats.end(), [](float number) { return std::isfinite(number); })) {
      say(name, "bias not corrected: its mean is not finite on calibration data");
      return false;
    }
    const BiasChange change = add_to_bias(corrected_.graph, name, floats);
    if (change.refusal) {
      say(name, cat("bias not corrected: ", *change.refusal));
      return false;
    }
    if (!change.product.empty()) new_values_.emplace_back(change.product, change.output);
    const float largest =
        std::fabs(*std::max_element(floats.begin(), floats.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
    say(name, cat("bias corrected by up to ", shortest(std::round(static_cast<double>(largest) * 1e4) / 1e4)));
    return true;
  }

  Model corrected_;
  const Model& prepared_;
  Model quantized_;  // with weights dequantized to constants
  const CalibrationSamples& samples_;
  StageRemarks& remarks_;
  std::vector<std::pair<std::string, std::string>> new_values_;
};

}  // namespace

bool corrects_biases(const Config& config) {
  const std::vector<Stage> stages = stages_of(config);
  return stage_of<BiasCorrectionStage>(stages) != nullptr;
}

CorrectedModel correct_biases(const Model& prepared, const Config& config, const CalibrationStatistics& statistics,
                              const WeightSolutions& solutions, const CalibrationSamples& samples, StageRemarks& remarks,
                              const Target& target) {
  if (samples.count == 0)
    throw_invalid("bias_correction needs calibration data", {}, "give samples of the model's inputs with --calibration");
  const Conversion dry = convert(prepared, config, statistics, solutions, WeightForm::qdq, target);
  const SchemeChooser choose(config);
  std::vector<std::string> fast;
  std::vector<std::string> full;
  for (const NodeDecision& decision : dry.decisions) {
    const auto* stage = stage_of<BiasCorrectionStage>(choose.stages(decision.name, decision.type));
    if (stage == nullptr || decision.scheme == "float") continue;
    if (is_lookup(*prepared.graph.find_node(decision.name))) {
      remarks[decision.name].emplace_back("bias not corrected: rows that are looked up have none");
      continue;
    }
    (stage->mode == BiasCorrectionMode::fast ? fast : full).push_back(decision.name);
  }
  BiasCorrector corrector(prepared, dry, samples, remarks);
  if (!fast.empty()) corrector.fast(fast);
  if (!full.empty()) corrector.full(full);
  CorrectedModel corrected{.model = corrector.take(), .statistics = statistics};
  for (const auto& [added, like] : corrector.new_values()) {
    if (const auto found = statistics.find(like); found != statistics.end()) corrected.statistics[added] = found->second;
  }
  remove_unused(corrected.model.graph);
  return corrected;
}

}  // namespace titrate::engine
