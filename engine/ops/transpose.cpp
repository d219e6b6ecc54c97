// Operators that rearrange axes: Transpose, DepthToSpace, SpaceToDepth.
#include <algorithm>
#include <numeric>

#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_copy.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

// The target's axis i is the source's axis order[i].
void permute(const Tensor& source, const Shape& shape, std::span<const std::size_t> order, Tensor& target) {
  const std::vector<std::int64_t> own = strides_of(shape);
  std::vector<std::int64_t> sizes, strides;
  for (const std::size_t axis : order) {
    sizes.push_back(shape[axis]);
    strides.push_back(own[axis]);
  }
  with_words(source, target, [&](const auto& from, const auto& to) { strided_copy(from.data(), sizes, strides, to.data()); });
}

// Without the attribute the axes are reversed.
std::vector<std::size_t> order_of(const Node& node, std::size_t rank) {
  std::vector<std::size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  if (node.find("perm") == nullptr) return order;
  const std::vector<std::int64_t> given = node.integers("perm");
  for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = step_axis(given[axis], static_cast<std::int64_t>(rank));
  return order;
}

std::vector<OutputType> infer_transpose(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::vector<std::int64_t> given = request.node.integers("perm");
  const Shape* shape = request.shape(0);
  const bool reverses = request.node.find("perm") == nullptr;
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (!reverses) (void)axis_list(request, given, given.size());
  if (shape == nullptr) {
    if (!reverses) output.shape = unknown_sizes(given.size());
    return {output};
  }
  if (!reverses && given.size() != shape->size())
    request.refuse(cat("attribute 'perm' names ", given.size(), " axes, the input has ", shape->size()));
  output.shape.emplace();
  for (const std::size_t axis : order_of(request.node, shape->size())) output.shape->push_back((*shape)[axis]);
  return {output};
}

Step prepare_transpose(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    permute(run.in(0), shape, order_of(node, shape.size()), run.out());
  };
}

std::int64_t block_size(const InferRequest& request) {
  const std::int64_t block = request.node.integer("blocksize", 0);
  if (block < 1 || block > (1 << 20)) request.refuse(cat("attribute 'blocksize' is ", block));
  return block;
}

// [N,C,H,W] with every size known or -1.
const Shape* images(const InferRequest& request) {
  const Shape* shape = request.shape(0);
  if (shape != nullptr && shape->size() != 4) request.refuse(cat("the input has ", shape->size(), " axes, not 4"));
  return shape;
}

std::int64_t scaled(const InferRequest& request, std::int64_t size, std::int64_t factor) {
  return size < 0 ? -1 : multiply_sizes(request, size, factor);
}

std::int64_t divided(const InferRequest& request, std::int64_t size, std::int64_t divisor) {
  if (size >= 0 && size % divisor != 0) request.refuse(cat("the size ", size, " is no multiple of ", divisor));
  return size < 0 ? -1 : size / divisor;
}

std::vector<OutputType> infer_depth_to_space(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::int64_t block = block_size(request);
  const std::string mode = request.node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") request.refuse("attribute 'mode' must be DCR or CRD");
  const Shape* shape = images(request);
  if (shape == nullptr) return {{.type = request.type(0), .shape = unknown_sizes(4)}};
  const Shape& in = *shape;
  return {{.type = request.type(0),
           .shape = Shape{in[0], divided(request, in[1], block * block), scaled(request, in[2], block), scaled(request, in[3], block)}}};
}

Step prepare_depth_to_space(const PrepareRequest& request) {
  const std::int64_t block = request.node.integer("blocksize", 0);
  const bool depth_first = request.node.text("mode", "DCR") == "DCR";
  return [block, depth_first](RunContext& run) {
    const Shape& in = run.in(0).shape();
    const std::int64_t depth = in[1] / (block * block);
    if (depth_first) {
      const std::size_t order[] = {0, 3, 4, 1, 5, 2};
      permute(run.in(0), {in[0], block, block, depth, in[2], in[3]}, order, run.out());
    } else {
      const std::size_t order[] = {0, 1, 4, 2, 5, 3};
      permute(run.in(0), {in[0], depth, block, block, in[2], in[3]}, order, run.out());
    }
  };
}

std::vector<OutputType> infer_space_to_depth(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::int64_t block = block_size(request);
  const Shape* shape = images(request);
  if (shape == nullptr) return {{.type = request.type(0), .shape = unknown_sizes(4)}};
  const Shape& in = *shape;
  return {{.type = request.type(0),
           .shape = Shape{in[0], scaled(request, in[1], block * block), divided(request, in[2], block), divided(request, in[3], block)}}};
}

Step prepare_space_to_depth(const PrepareRequest& request) {
  return [block = request.node.integer("blocksize", 0)](RunContext& run) {
    const Shape& in = run.in(0).shape();
    const std::size_t order[] = {0, 3, 5, 1, 2, 4};
    permute(run.in(0), {in[0], in[1], in[2] / block, block, in[3] / block, block}, order, run.out());
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Transpose", .infer = infer_transpose, .prepare = prepare_transpose},
    {.type = "DepthToSpace", .infer = infer_depth_to_space, .prepare = prepare_depth_to_space},
    {.type = "SpaceToDepth", .infer = infer_space_to_depth, .prepare = prepare_space_to_depth},
};

}  // namespace

Family transpose() { return rows; }

}  // namespace titrate::engine::ops
