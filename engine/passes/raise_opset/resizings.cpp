// Upsample became Resize in 10; Resize learnt coordinate transformations in 11, with defaults that are not what it did before.
#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

// 9: the attribute scales became an input.
void upsample_scales(Site& site) {
  Node& node = site.node();
  const std::vector<float> scales = node.numbers("scales");
  if (scales.empty()) site.refuse("it has no scales");
  site.set_input(1, site.constant("scales", Tensor::of({static_cast<std::int64_t>(scales.size())}, scales)));
  node.remove("scales");
}

// Resize-11 takes roi as its second input, which only tf_crop_and_resize reads; from 13 on it may be left out.
ValueId no_region(Site& site, std::string_view role) {
  return site.target() < 13 ? site.constant(role, Tensor::zeros(DataType::float32, {0})) : ValueId::none;
}

void ask_for(Node& node, const std::string& rounding) {
  node.set("coordinate_transformation_mode", std::string("asymmetric"));
  if (node.text("mode", "nearest") == "nearest") node.set("nearest_mode", rounding);
}

// 10: Upsample is Resize with scales of at least 1.
void upsample_as_resize(Site& site) {
  Node& node = site.node();
  node.type = "Resize";
  if (site.target() < 11 || node.inputs.size() != 2) return;
  node.inputs = {node.inputs[0], no_region(site, "roi"), node.inputs[1]};
  ask_for(node, "floor");
}

// Puts a Resize in front that takes the scales above 1, rounding down; this one keeps those below 1.
void enlarge_first(Site& site, ValueId scales) {
  Node& node = site.node();
  const Tensor* known = site.value(1);
  ValueId up = ValueId::none;
  ValueId down = ValueId::none;
  if (known != nullptr) {
    std::vector<float> larger;
    std::vector<float> smaller;
    for (const double scale : to_doubles(*known)) {
      larger.push_back(std::max(1.0F, static_cast<float>(scale)));
      smaller.push_back(std::min(1.0F, static_cast<float>(scale)));
    }
    up = site.constant("scales_up", Tensor::of({known->elements()}, larger));
    down = site.constant("scales_down", Tensor::of({known->elements()}, smaller));
  } else {
    const ValueId one = site.number("one", DataType::float32, 1.0);
    up = site.before("Max", "scales_up", {scales, one});
    down = site.before("Min", "scales_down", {scales, one});
  }
  const ValueId enlarged =
      site.before("Resize", "enlarged", {node.inputs[0], no_region(site, "roi_up"), up}, {attribute("mode", std::string("nearest"))});
  ask_for(site.nodes_before.back(), "floor");
  node.inputs = {enlarged, no_region(site, "roi"), down};
}

// 11: before, a pixel was taken from x / scale; the specification does not say how nearest rounds. ONNX Runtime rounds down where it
// enlarges and up where it shrinks (tests/engine/passes/raise_opset_witness_test.cpp holds it to that). The axes do not depend on each
// other, so a Resize that may do both becomes one that enlarges and one that shrinks.
void coordinates(Site& site) {
  Node& node = site.node();
  if (node.find("coordinate_transformation_mode") != nullptr) return;  // made of an Upsample
  if (!node.has_input(0) || !node.has_input(1)) site.refuse("it has no scales");
  const ValueId scales = node.inputs[1];
  if (node.text("mode", "nearest") != "nearest") {
    node.inputs = {node.inputs[0], no_region(site, "roi"), scales};
    ask_for(node, "floor");
    return;
  }
  const std::vector<double> factors = site.value(1) != nullptr ? to_doubles(*site.value(1)) : std::vector<double>{};
  const bool known = !factors.empty();
  const auto enlarges = [](double factor) { return factor >= 1; };
  const auto shrinks = [](double factor) { return factor <= 1; };
  if (known && std::all_of(factors.begin(), factors.end(), enlarges)) {
    node.inputs = {node.inputs[0], no_region(site, "roi"), scales};
    ask_for(node, "floor");
  } else if (known && std::all_of(factors.begin(), factors.end(), shrinks)) {
    node.inputs = {node.inputs[0], no_region(site, "roi"), scales};
    ask_for(node, "ceil");
  } else {
    enlarge_first(site, scales);
    ask_for(node, "ceil");
  }
}

void leave_out_if_empty(Site& site, std::size_t input) {
  const Tensor* tensor = site.value(input);
  if (tensor != nullptr && tensor->elements() == 0) site.node().inputs[input] = ValueId::none;
}

// 13: tf_half_pixel_for_nn, x = (i + 0.5) / scale, went. It is half_pixel + 0.5, so
// floor(x) = floor(h + 0.5) = round_prefer_ceil(h) and round_prefer_floor(x) = ceil(x - 0.5) = ceil(h).
// And empty tensors for roi and scales became inputs that are left out.
void half_pixels_for_nearest(Site& site) {
  Node& node = site.node();
  for (const std::size_t input : {std::size_t{1}, std::size_t{2}}) leave_out_if_empty(site, input);
  if (node.text("coordinate_transformation_mode", "half_pixel") != "tf_half_pixel_for_nn") return;
  const std::string rounding = node.text("nearest_mode", "round_prefer_floor");
  if (node.text("mode", "nearest") != "nearest" || (rounding != "floor" && rounding != "round_prefer_floor")) {
    site.refuse(cat("tf_half_pixel_for_nn with mode ", node.text("mode", "nearest"), " and nearest_mode ", visible(rounding),
                    " has no equal there"));
  }
  node.set("coordinate_transformation_mode", std::string("half_pixel"));
  node.set("nearest_mode", std::string(rounding == "floor" ? "round_prefer_ceil" : "ceil"));
}

constexpr Change rows[] = {
    {"Upsample", 9, upsample_scales},
    {"Upsample", 10, upsample_as_resize},
    {"Resize", 11, coordinates},
    {"Resize", 13, half_pixels_for_nearest},
};

}  // namespace

Changes resizings() { return rows; }

}  // namespace titrate::engine::raise
