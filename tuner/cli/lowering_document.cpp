#include "tuner/cli/lowering_document.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/passes/lower.hpp"
#include "reports/text_table.hpp"

namespace titrate::cli {

using Json = nlohmann::ordered_json;

namespace {

// Sizes of the inputs that the model leaves open, but for the leading one, which is the batch: they change how much each node costs.
std::vector<std::string> open_sizes(const engine::Model& model) {
  std::vector<std::string> open;
  for (const engine::ValueId input : model.graph.inputs) {
    const engine::Value& value = model.graph[input];
    if (!value.info || !value.info->shape) continue;
    for (std::size_t axis = 1; axis < value.info->shape->size(); ++axis) {
      const engine::Dimension& size = (*value.info->shape)[axis];
      const std::string name = size.symbol.empty() ? cat(value.name, " axis ", axis) : size.symbol;
      if (!size.known() && std::ranges::find(open, name) == open.end()) open.push_back(name);
    }
  }
  return open;
}

}  // namespace

Json lowering_document(engine::Model model, const std::vector<NodeSaturation>& saturation, std::span<const engine::Shape> sample_shapes) {
  const std::vector<std::string> open = sample_shapes.empty() ? open_sizes(model) : std::vector<std::string>{};
  const engine::LoweringReport report = engine::lower(model, sample_shapes);
  Json nodes = Json::array();
  for (const engine::LoweredNode& node : report.nodes) {
    nodes.push_back({{"name", node.name},
                     {"type", node.type},
                     {"integer", node.integer},
                     {"bfloat16", node.bfloat16},
                     {"reason", node.reason.empty() ? Json(nullptr) : Json(node.reason)},
                     {"multiply_accumulates", node.multiply_accumulates ? Json(*node.multiply_accumulates) : Json(nullptr)},
                     {"can_saturate", node.can_saturate}});
    const auto measured = std::ranges::find(saturation, node.name, &NodeSaturation::name);
    if (measured == saturation.end() || measured->outputs == 0) continue;
    nodes.back()["saturated_share"] = static_cast<double>(measured->changed) / static_cast<double>(measured->outputs);
  }
  const auto coverage = report.integer_coverage();
  const auto bfloat16 = report.bfloat16_coverage();
  return {{"integer_coverage", coverage ? Json(*coverage) : Json(nullptr)},
          {"bfloat16_coverage", bfloat16 ? Json(*bfloat16) : Json(nullptr)},
          {"sizes_taken_as_1", open},
          {"nodes", std::move(nodes)}};
}

namespace {

// The nodes that can saturate, and on data those that do.
std::string saturation_text(const Json& nodes) {
  std::vector<std::string> able;
  std::vector<std::string> overrides;
  for (const Json& node : nodes) {
    if (!node["can_saturate"].get<bool>()) continue;
    const std::string name = node["name"].get<std::string>();
    able.push_back(visible(name));
    if (!node.contains("saturated_share")) continue;
    const double share = node["saturated_share"].get<double>();
    able.back() += cat(" (", shortest(std::round(share * 1e5) / 1e3), " % of its outputs change)");
    if (share > 0) overrides.push_back(visible(name));
  }
  if (able.empty()) return "no node can saturate on x86 processors without VNNI\n";
  std::string text = cat("can saturate on x86 processors without VNNI: ", join(able, ", "), "\n");
  if (!overrides.empty()) text += cat("these do on the data; static_int8(reduce_range=true) avoids it: ", join(overrides, ", "), "\n");
  return text;
}

// Rounded down: 100 % is said only where nothing is left.
std::string percent(const Json& share) { return cat(shortest(std::floor(share.get<double>() * 1000) / 10), " %"); }

}  // namespace

std::string lowering_text(const Json& document, int width) {
  const Json& nodes = document["nodes"];
  std::size_t floats = 0;
  std::size_t brain_floats = 0;
  TextTable table({{"node", false, true},
                   {"type", false, false},
                   {"runs in", false, false},
                   {"multiply-accumulates", true, false},
                   {"why", false, true}});
  for (const Json& node : nodes) {
    const bool integer = node["integer"].get<bool>();
    const bool bfloat16 = node["bfloat16"].get<bool>();
    floats += integer ? 0 : 1;
    brain_floats += bfloat16 ? 1 : 0;
    table.add({visible(node["name"].get<std::string>()), visible(node["type"].get<std::string>()),
               integer    ? "integers"
               : bfloat16 ? "bfloat16"
                          : "float",
               node["multiply_accumulates"].is_null() ? "?" : node["multiply_accumulates"].dump(),
               node["reason"].is_null() ? "" : visible(node["reason"].get<std::string>())});
  }
  std::string text = "integer coverage: ";
  if (document["integer_coverage"].is_null()) {
    text += "unknown (nothing multiplies and accumulates, or all sizes are unknown)";
  } else {
    text += cat(percent(document["integer_coverage"]), " of the multiply-accumulates");
  }
  if (!document["sizes_taken_as_1"].empty()) {
    text += cat(" (", visible(join(document["sizes_taken_as_1"].get<std::vector<std::string>>(), ", ")),
                " taken as 1, since the model leaves it open: --calibration DATA counts a real sample)");
  }
  text += cat("; ", nodes.size() - floats, " of ", nodes.size(), " nodes run on integers");
  if (brain_floats > 0)
    text += cat(", ", brain_floats, " on bfloat16 numbers (", percent(document["bfloat16_coverage"]), " of the multiply-accumulates)");
  text += "\n";
  return nodes.empty() ? text : cat(text, table.text(width), saturation_text(nodes));
}

}  // namespace titrate::cli
