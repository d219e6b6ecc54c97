// What inspect --lowering says: how each node runs, on integers or why not.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "tuner/saturation.hpp"

namespace titrate::cli {

/// {"integer_coverage", "sizes_taken_as_1", "nodes": [{"name", "type", "integer", "reason", "multiply_accumulates", "can_saturate"}]};
/// unknown is null. With `saturation` each node that can saturate has also "saturated_share", of its outputs on the data. With the shapes
/// of a sample, in the order of the model's inputs, no size is taken as 1.
[[nodiscard]] nlohmann::ordered_json lowering_document(engine::Model model, const std::vector<NodeSaturation>& saturation,
                                                       std::span<const engine::Shape> sample_shapes = {});
/// The same as lines of text.
[[nodiscard]] std::string lowering_text(const nlohmann::ordered_json& document, int width);

}  // namespace titrate::cli
