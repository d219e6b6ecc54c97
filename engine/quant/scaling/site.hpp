// Places where a value's channels may be divided by factors that the layers which read it multiply their weights with: the function stays
// the same, but what is easy to quantize moves.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/calibration_samples.hpp"

namespace titrate::engine {

struct ScalingSite {
  ValueId input = ValueId::none;
  std::int64_t channels = 0;
  std::int64_t axis = 0;             ///< of the channels in the input, from the front
  std::vector<std::size_t> readers;  ///< the layers that take part, in the order of the nodes
  bool alone = false;                ///< nobody else reads the input
};

/// The sites of all Conv, Gemm (without transA) and MatMul with constant float32 weights for which `takes_part` is true, in the order of
/// their first readers.
[[nodiscard]] std::vector<ScalingSite> scaling_sites(const Graph& graph, const std::function<bool(const Node&)>& takes_part);

/// For each input channel of a layer the largest magnitude of its weights.
[[nodiscard]] std::vector<float> largest_by_input_channel(const Graph& graph, const Node& node);

/// Calls see(index of the site, sample, the site's input) for all samples, in their order.
void observe_sites(const Model& model, const std::vector<ScalingSite>& sites, const CalibrationSamples& samples,
                   const std::function<void(std::size_t site, std::int64_t sample, const Tensor& input)>& see);

/// Places of nodes move when one is added; names stay: the names of each site's readers, and the readers found again by them.
[[nodiscard]] std::vector<std::vector<std::string>> reader_names(const Graph& graph, const std::vector<ScalingSite>& sites);
void find_readers(const Graph& graph, const std::vector<std::string>& names, ScalingSite& site);

enum class WithoutFold : std::uint8_t { insert_multiplication, leave };

/// Divides the site's input by the factors (all above 0) and multiplies the readers' weights. Returns where the division went, in words;
/// nothing, and nothing changed, if it can be folded nowhere and no node may be inserted, or if weights would overflow.
[[nodiscard]] std::optional<std::string> scale_site(Model& model, const ScalingSite& site, std::span<const float> factors,
                                                    WithoutFold otherwise);

}  // namespace titrate::engine
