#include "engine/ops/strided_loops.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <numeric>
#include <utility>

namespace titrate::engine::ops {

StridedLoops::StridedLoops(std::span<const std::int64_t> wanted, std::vector<std::vector<std::int64_t>> given) : strides(given.size()) {
  assert(given.size() <= most_operands);
  sizes.reserve(wanted.size() + 1);
  for (std::vector<std::int64_t>& one : strides) one.reserve(wanted.size() + 1);
  for (std::size_t loop = 0; loop < wanted.size(); ++loop) {
    if (wanted[loop] == 1) continue;
    bool runs_on = !sizes.empty();
    for (std::size_t operand = 0; operand < given.size() && runs_on; ++operand) {
      runs_on = strides[operand].back() == given[operand][loop] * wanted[loop];
    }
    if (runs_on) {
      sizes.back() *= wanted[loop];
      for (std::size_t operand = 0; operand < given.size(); ++operand) strides[operand].back() = given[operand][loop];
    } else {
      sizes.push_back(wanted[loop]);
      for (std::size_t operand = 0; operand < given.size(); ++operand) strides[operand].push_back(given[operand][loop]);
    }
  }
  if (!sizes.empty()) return;
  sizes.push_back(1);
  for (std::vector<std::int64_t>& one : strides) one.push_back(1);
}

bool StridedLoops::empty() const { return std::find(sizes.begin(), sizes.end(), 0) != sizes.end(); }

std::int64_t StridedLoops::rows() const { return std::accumulate(sizes.begin(), sizes.end() - 1, std::int64_t{1}, std::multiplies<>()); }

std::vector<std::int64_t> strides_of(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    // An empty tensor is never walked; its other sizes may be of any magnitude.
    stride = shape[axis] == 0 ? 0 : stride * shape[axis];
  }
  return strides;
}

std::vector<std::int64_t> broadcast_strides(std::span<const std::int64_t> shape, std::span<const std::int64_t> target) {
  const std::vector<std::int64_t> own = strides_of(shape);
  const std::size_t missing = target.size() - shape.size();
  std::vector<std::int64_t> strides(target.size(), 0);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) strides[missing + axis] = own[axis];
  }
  return strides;
}

StridedLoops broadcast_loops(const Shape& target, std::span<const Shape* const> inputs) {
  std::vector<std::vector<std::int64_t>> strides;
  strides.reserve(inputs.size() + 1);
  strides.push_back(strides_of(target));
  for (const Shape* input : inputs) strides.push_back(broadcast_strides(*input, target));
  return {target, std::move(strides)};
}

}  // namespace titrate::engine::ops
