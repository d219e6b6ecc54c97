// The loops of a reduction over any set of axes, in an order that depends on the shape alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "engine/ops/strided_loops.hpp"

namespace titrate::engine::ops {

/// Neighbouring axes of one fate are merged. What varies fastest decides the inner loop: along a reduced axis an element goes to one of
/// several states in turn, which the compiler turns into a vector; along a kept axis a line of states takes a line of elements.
class ReductionLoops {
 public:
  ReductionLoops(const Shape& shape, const std::vector<bool>& reduced) {
    const std::vector<std::int64_t> strides = strides_of(shape);
    std::vector<std::size_t> axes;  // those that have something to loop over
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] != 1) axes.push_back(axis);
    }
    inner_reduced_ = !axes.empty() && reduced[axes.back()];
    for (; !axes.empty() && reduced[axes.back()] == inner_reduced_; axes.pop_back()) inner_ *= shape[axes.back()];
    count_ = inner_reduced_ ? inner_ : 1;
    std::vector<std::int64_t> sizes[2], steps[2];  // of kept and of reduced axes
    for (const std::size_t axis : axes) {
      if (reduced[axis]) count_ *= shape[axis];
      sizes[reduced[axis] ? 1 : 0].push_back(shape[axis]);
      steps[reduced[axis] ? 1 : 0].push_back(strides[axis]);
    }
    kept_ = StridedLoops(sizes[0], {steps[0]});
    reduced_ = StridedLoops(sizes[1], {steps[1]});
  }

  /// Results in row-major order of the kept axes.
  template <class Reducer, class T>
  void reduce(const T* source, T* target) const {
    if (kept_.empty() || (!inner_reduced_ && inner_ == 0)) return;
    std::vector<typename Reducer::State> line(inner_reduced_ ? 0 : static_cast<std::size_t>(inner_));
    for_each(kept_, [&](std::int64_t start) {
      if (inner_reduced_) {
        *target++ = reduce_one<Reducer>(source + start);
      } else {
        target = reduce_line<Reducer>(source + start, line, target);
      }
    });
  }

 private:
  template <class Body>
  static void for_each(const StridedLoops& loops, Body&& body) {
    for_each_row(loops, [&](std::span<const std::int64_t> at) {
      for (std::int64_t index = 0; index < loops.inner_size(); ++index) body(at[0] + index * loops.inner_stride(0));
    });
  }

  template <class Reducer, class T>
  T reduce_one(const T* source) const {
    constexpr auto stride = static_cast<std::int64_t>(lanes);
    std::array<typename Reducer::State, lanes> states;
    states.fill(Reducer::start());
    for_each(reduced_, [&](std::int64_t start) {
      const T* element = source + start;
      std::int64_t index = 0;
      for (; index + stride <= inner_; index += stride) {
        for (std::size_t lane = 0; lane < lanes; ++lane)
          states[lane] = Reducer::add(states[lane], element[index + static_cast<std::int64_t>(lane)]);
      }
      for (std::size_t lane = 0; index < inner_; ++index, ++lane) states[lane] = Reducer::add(states[lane], element[index]);
    });
    for (std::size_t width = lanes / 2; width > 0; width /= 2) {
      for (std::size_t lane = 0; lane < width; ++lane) states[lane] = Reducer::join(states[lane], states[lane + width]);
    }
    return Reducer::result(states[0], count_);
  }

  template <class Reducer, class T>
  T* reduce_line(const T* source, std::vector<typename Reducer::State>& line, T* target) const {
    std::fill(line.begin(), line.end(), Reducer::start());
    for_each(reduced_, [&](std::int64_t start) {
      for (std::size_t index = 0; index < line.size(); ++index)
        line[index] = Reducer::add(line[index], source[start + static_cast<std::int64_t>(index)]);
    });
    for (const auto& state : line) *target++ = Reducer::result(state, count_);
    return target;
  }

  static constexpr std::size_t lanes = 16;

  bool inner_reduced_ = false;
  std::int64_t inner_ = 1;
  std::int64_t count_ = 1;
  StridedLoops kept_{{}, {{}}};
  StridedLoops reduced_{{}, {{}}};
};

}  // namespace titrate::engine::ops
