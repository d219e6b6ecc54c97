#include "engine/ops/concat_shape.hpp"

#include "engine/ops/shape_inference.hpp"

namespace titrate::engine::ops {
namespace {

// Brings what another input knows of a size into the joint shape.
void join_shape(const InferRequest& request, const Shape& shape, std::size_t axis, Shape& joint) {
  if (shape.size() != joint.size()) request.refuse(cat("its inputs have ", joint.size(), " and ", shape.size(), " axes"));
  for (std::size_t at = 0; at < shape.size(); ++at) {
    if (at == axis) {
      const bool known = joint[at] >= 0 && shape[at] >= 0;
      joint[at] = known ? add_sizes(request, joint[at], shape[at]) : -1;
    } else if (joint[at] < 0) {
      joint[at] = shape[at];
    } else if (shape[at] >= 0 && shape[at] != joint[at]) {
      request.refuse(cat("the shapes ", to_text(joint), " and ", to_text(shape), " differ beside the axis ", axis));
    }
  }
}

}  // namespace

std::optional<Shape> concatenation(const InferRequest& request, std::span<const std::size_t> indices, std::int64_t axis) {
  std::optional<Shape> joint;
  bool all_shapes = true;
  for (const std::size_t index : indices) {
    (void)request.need(index);
    const Shape* shape = request.shape(index);
    if (shape == nullptr) {
      all_shapes = false;
      continue;
    }
    const std::size_t at = request.axis(axis, shape->size());
    if (!joint) {
      joint = *shape;
    } else {
      join_shape(request, *shape, at, *joint);
    }
  }
  if (!all_shapes && joint) (*joint)[request.axis(axis, joint->size())] = -1;
  return joint;
}

}  // namespace titrate::engine::ops
