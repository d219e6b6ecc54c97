// Operators and attribute values that got another name, and defaults that changed.
#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

// 20: bilinear and bicubic became linear and cubic, for any number of dimensions.
void sampling_modes(Site& site) {
  Node& node = site.node();
  const std::string mode = node.text("mode", "bilinear");
  if (mode == "bilinear") node.set("mode", std::string("linear"));
  if (mode == "bicubic") node.set("mode", std::string("cubic"));
}

// 16: the coordinates were not shifted by half a pixel before; now that is the default.
void region_coordinates(Site& site) { site.node().set("coordinate_transformation_mode", std::string("output_half_pixel")); }

// 11: Scatter is ScatterElements.
void scatter_elements(Site& site) { site.node().type = "ScatterElements"; }

// 9: Scan-8 runs over a batch of sequences, each of its own length.
void scan_batches(Site& site) { site.refuse("Scan over batches of sequences of opset 8 went with opset 9"); }

constexpr Change rows[] = {
    {"Scan", 9, scan_batches},
    {"Scatter", 11, scatter_elements},
    {"RoiAlign", 16, region_coordinates},
    {"GridSample", 20, sampling_modes},
};

}  // namespace

Changes renamings() { return rows; }

}  // namespace titrate::engine::raise
