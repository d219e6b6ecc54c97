// Softmax, LogSoftmax, Hardmax. Up to opset 12 the input is a matrix, cut at `axis`, and a row is normalised; from 13 on one axis is.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/kernels/softmax/softmax.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

enum class Kind { softmax, log_softmax, hardmax };

std::vector<OutputType> infer_softmax(const InferRequest& request) {
  if (const Shape* shape = request.shape(0); shape != nullptr && !shape->empty()) {
    (void)request.axis(request.node.integer("axis", request.opset < 13 ? 1 : -1), shape->size() + (request.opset < 13 ? 1 : 0));
  }
  return {{.type = request.type(0), .shape = request.inputs[0].shape}};
}

// Elements of one group are `stride` apart; groups of the same block lie side by side.
struct Groups {
  std::size_t blocks;
  std::size_t size;
  std::size_t stride;
};

Groups groups_of(const Shape& shape, std::int64_t axis, bool flatten) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis < 0) axis += rank;
  const auto cut = static_cast<std::size_t>(std::clamp<std::int64_t>(axis, 0, rank));
  Groups groups{1, 1, 1};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto size = static_cast<std::size_t>(shape[i]);
    if (i < cut) {
      groups.blocks *= size;
    } else if (flatten || i == cut) {
      groups.size *= size;
    } else {
      groups.stride *= size;
    }
  }
  return groups;
}

// One group. The sum runs in order, in double for float64 and in float for float32 as the operator says.
template <class T>
void normalize(Kind kind, std::size_t size, std::size_t stride, const T* source, T* target) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (source[i * stride] > source[best * stride]) best = i;
  }
  const T largest = source[best * stride];
  if (kind == Kind::hardmax) {
    for (std::size_t i = 0; i < size; ++i) target[i * stride] = i == best ? T{1} : T{0};
    return;
  }
  T sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const T shifted = source[i * stride] - largest;
    const T power = std::exp(shifted);
    sum += power;
    target[i * stride] = kind == Kind::softmax ? power : shifted;
  }
  if (kind == Kind::log_softmax) {
    const T logarithm = std::log(sum);
    for (std::size_t i = 0; i < size; ++i) target[i * stride] -= logarithm;
  } else {
    for (std::size_t i = 0; i < size; ++i) target[i * stride] /= sum;
  }
}

// float32 by the kernels: rows of neighbours, or all the columns of a block.
void normalize_by_kernel(Kind kind, const Groups& groups, const float* source, float* target) {
  const kernels::SoftmaxKernels& kernel = kernels::softmax_kernels(selected_isa());
  const auto row_kernel = kind == Kind::softmax ? kernel.row : kernel.log_row;
  const std::size_t block_size = groups.size * groups.stride;
  kernels::parallel_for(groups.blocks, [&](std::size_t block, std::size_t) {
    const float* from = source + block * block_size;
    float* to = target + block * block_size;
    if (groups.stride == 1) {
      row_kernel(from, to, groups.size);
    } else {
      kernel.columns(from, to, groups.size, groups.stride, kind == Kind::log_softmax);
    }
  });
}

template <class T>
Step prepare_of(Kind kind, std::int64_t axis, bool flatten) {
  return [=](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Groups groups = groups_of(run.in(0).shape(), axis, flatten);
    const T* source = run.in(0).data<T>().data();
    T* target = run.out().mutable_data<T>().data();
    if constexpr (std::is_same_v<T, float>) {
      if (kind != Kind::hardmax) return normalize_by_kernel(kind, groups, source, target);
    }
    kernels::parallel_for(groups.blocks * groups.stride, [&](std::size_t group, std::size_t) {
      const std::size_t first = group / groups.stride * groups.size * groups.stride + group % groups.stride;
      normalize(kind, groups.size, groups.stride, source + first, target + first);
    });
  };
}

template <Kind kind>
Step prepare_float(const PrepareRequest& request) {
  const bool flatten = request.opset < 13;
  const std::int64_t axis = request.node.integer("axis", flatten ? 1 : -1);
  if (request.type(0) == DataType::float64) return prepare_of<double>(kind, axis, flatten);
  return prepare_of<float>(kind, axis, flatten);
}

template <Kind kind>
Step prepare(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
    case DataType::float64:
      return prepare_float<kind>(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, prepare_float<kind>);
    default:
      request.refuse(cat(request.node.type, " of ", name_of(request.type(0)), " is not supported"));
  }
}

constexpr OperatorDefinition rows[] = {
    {.type = "Softmax", .infer = infer_softmax, .prepare = prepare<Kind::softmax>},
    {.type = "LogSoftmax", .infer = infer_softmax, .prepare = prepare<Kind::log_softmax>},
    {.type = "Hardmax", .infer = infer_softmax, .prepare = prepare<Kind::hardmax>},
};

}  // namespace

Family softmax() { return rows; }

}  // namespace titrate::engine::ops
