// The attribute axes became an input: in 13 for Squeeze, Unsqueeze and ReduceSum, in 18 for the other reductions.
#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

// No axes, or an empty list, meant all of them; it still does where the input is left out.
void axes(Site& site) {
  Node& node = site.node();
  if (const std::vector<std::int64_t> numbers = node.integers("axes"); !numbers.empty()) site.set_input(1, site.constant("axes", numbers));
  node.remove("axes");
}

void needed_axes(Site& site) {
  if (site.node().integers("axes").empty()) site.refuse("it has no axes");
  axes(site);
}

constexpr Change rows[] = {
    {"Squeeze", 13, axes},    {"Unsqueeze", 13, needed_axes}, {"ReduceSum", 13, axes},       {"ReduceL1", 18, axes},
    {"ReduceL2", 18, axes},   {"ReduceLogSum", 18, axes},     {"ReduceLogSumExp", 18, axes}, {"ReduceMax", 18, axes},
    {"ReduceMean", 18, axes}, {"ReduceMin", 18, axes},        {"ReduceProd", 18, axes},      {"ReduceSumSquare", 18, axes},
};

}  // namespace

Changes axes_to_inputs() { return rows; }

}  // namespace titrate::engine::raise
