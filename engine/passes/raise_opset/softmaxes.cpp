// Softmax, LogSoftmax and Hardmax worked on [product of the sizes before axis, product of the others] up to opset 12, axis by default 1;
// from 13 on they work along the one axis, by default the last.
#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

// The only axis from `first` on that is not known to be of size 1; the last one if all are; nothing if there are several.
std::optional<std::int64_t> only_axis(const Shape& shape, std::int64_t first) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (first >= rank) return std::nullopt;
  std::int64_t found = rank - 1;
  int count = 0;
  for (std::int64_t axis = first; axis < rank; ++axis) {
    if (shape[static_cast<std::size_t>(axis)] == 1) continue;
    found = axis;
    ++count;
  }
  return count <= 1 ? std::optional(found) : std::nullopt;
}

// A constant that Reshape takes for the shape of the input, where at most one size is unknown and none is zero.
std::optional<ValueId> constant_shape(Site& site, const std::optional<Shape>& shape) {
  if (!shape) return std::nullopt;
  int unknown = 0;
  for (const std::int64_t size : *shape) {
    if (size == 0) return std::nullopt;
    if (size < 0) ++unknown;
  }
  if (unknown > 1) return std::nullopt;
  return site.constant("shape", *shape);
}

void one_axis(Site& site) {
  Node& node = site.node();
  const std::int64_t axis = node.integer("axis", 1);
  const std::optional<Shape> shape = site.shape(0);
  if (shape) {
    const auto rank = static_cast<std::int64_t>(shape->size());
    if (const auto only = only_axis(*shape, axis < 0 ? axis + rank : axis)) {
      node.set("axis", *only);
      return;
    }
  }
  const ValueId data = node.inputs.at(0);
  const std::optional<ValueId> stated = constant_shape(site, shape);
  const ValueId back = stated ? *stated : site.before("Shape", "shape", {data});
  node.inputs[0] = site.before("Flatten", "flattened", {data}, {attribute("axis", axis)});
  node.set("axis", std::int64_t{-1});
  site.behind("Reshape", "rows", 0, {back});
}

constexpr Change rows[] = {{"Softmax", 13, one_axis}, {"LogSoftmax", 13, one_axis}, {"Hardmax", 13, one_axis}};

}  // namespace

Changes softmaxes() { return rows; }

}  // namespace titrate::engine::raise
