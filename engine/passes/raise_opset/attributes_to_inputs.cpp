// Attributes that became inputs.
#include <limits>

#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

// 11: the attributes min and max, which default to the ends of float32, became inputs of the element type.
void clip_limits(Site& site) {
  Node& node = site.node();
  constexpr float most = std::numeric_limits<float>::max();
  const float low = node.number("min", -most);
  const float high = node.number("max", most);
  node.remove("min");
  node.remove("max");
  if (low > -most) site.set_input(1, site.number("min", site.need_type(0), static_cast<double>(low)));
  if (high < most) site.set_input(2, site.number("max", site.need_type(0), static_cast<double>(high)));
}

// 11: pads and value became inputs.
void pad_sizes(Site& site) {
  Node& node = site.node();
  if (node.find("pads") == nullptr) site.refuse("it has no pads");
  site.set_input(1, site.constant("pads", node.integers("pads")));
  const float value = node.number("value", 0);
  if (value != 0.0F && node.text("mode", "constant") == "constant") {
    site.set_input(2, site.number("value", site.need_type(0), static_cast<double>(value)));
  }
  node.remove("pads");
  node.remove("value");
}

// 10: starts, ends and axes became inputs.
void slice_bounds(Site& site) {
  Node& node = site.node();
  if (node.find("starts") == nullptr || node.find("ends") == nullptr) site.refuse("it has no starts or no ends");
  site.set_input(1, site.constant("starts", node.integers("starts")));
  site.set_input(2, site.constant("ends", node.integers("ends")));
  if (const std::vector<std::int64_t> axes = node.integers("axes"); !axes.empty()) site.set_input(3, site.constant("axes", axes));
  node.remove("starts");
  node.remove("ends");
  node.remove("axes");
}

// 10: k became an input.
void top_count(Site& site) {
  Node& node = site.node();
  if (node.find("k") == nullptr) site.refuse("it has no k");
  site.set_input(1, site.constant("k", std::vector<std::int64_t>{node.integer("k", 0)}));
  node.remove("k");
}

// 13: split became an input.
void split_sizes(Site& site) {
  Node& node = site.node();
  if (const std::vector<std::int64_t> sizes = node.integers("split"); !sizes.empty()) site.set_input(1, site.constant("split", sizes));
  node.remove("split");
}

// 18: without sizes the number of parts must be said.
void split_count(Site& site) {
  Node& node = site.node();
  if (!node.has_input(1)) node.set("num_outputs", static_cast<std::int64_t>(node.outputs.size()));
}

// 10: the mask became boolean. Before 12 the mode is that of the run, which here is inference: nothing is dropped.
void dropout_mask(Site& site) {
  if (!site.reads_output(1)) return;
  const auto type = static_cast<std::int64_t>(site.need_type(0));
  site.behind("Cast", "mask", 1, {}, {attribute("to", type)});
}

// 12: ratio became an input. Without the input training_mode the node is in inference mode and ratio has no effect.
void dropout_ratio(Site& site) { site.node().remove("ratio"); }

// 20: axis, by default 1, became an input.
void transform_axis(Site& site) {
  Node& node = site.node();
  site.set_input(2, site.constant("axis", Tensor::scalar(node.integer("axis", 1))));
  node.remove("axis");
}

constexpr Change rows[] = {
    {"Slice", 10, slice_bounds}, {"TopK", 10, top_count},    {"Dropout", 10, dropout_mask},
    {"Clip", 11, clip_limits},   {"Pad", 11, pad_sizes},     {"Dropout", 12, dropout_ratio},
    {"Split", 13, split_sizes},  {"Split", 18, split_count}, {"DFT", 20, transform_axis},
};

}  // namespace

Changes attributes_to_inputs() { return rows; }

}  // namespace titrate::engine::raise
