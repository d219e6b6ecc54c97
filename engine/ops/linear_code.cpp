#include "engine/ops/linear_code.hpp"

#include <algorithm>

namespace titrate::engine::ops {
namespace {

LinearCode read(const Tensor& scale, const Tensor* zero_point) {
  LinearCode code{.scale = scale.data<float>()[0], .zero_point = 0};
  if (zero_point != nullptr) {
    code.zero_point = zero_point->type() == DataType::int8 ? std::int32_t{zero_point->data<std::int8_t>()[0]}
                                                           : std::int32_t{zero_point->data<std::uint8_t>()[0]};
  }
  return code;
}

void check_one_element(const InferRequest& request, std::size_t index) {
  const Shape* shape = request.shape(index);
  if (shape == nullptr) return;
  const bool one = shape->size() <= 1 && std::all_of(shape->begin(), shape->end(), [](std::int64_t size) { return size == 1 || size < 0; });
  if (!one) request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", one element is needed"));
}

}  // namespace

void check_linear_code(const InferRequest& request, std::size_t scale, DataType codes) {
  if (const DataType type = request.need(scale).type; type != DataType::undefined && type != DataType::float32) {
    request.refuse(cat("the scale (input ", scale, ") is ", name_of(type), ", not float32"));
  }
  check_one_element(request, scale);
  const DataType zero_point = request.type(scale + 1);
  if (zero_point == DataType::undefined) return;
  if (!code_types.has(zero_point) || (codes != DataType::undefined && zero_point != codes)) {
    request.refuse(cat("the zero point (input ", scale + 1, ") is ", name_of(zero_point), ", its codes are ", name_of(codes)));
  }
  check_one_element(request, scale + 1);
}

LinearCodeInput::LinearCodeInput(const PrepareRequest& request, std::size_t scale) : scale_(scale) {
  const Tensor* number = request.constant(scale);
  if (number == nullptr || (request.has(scale + 1) && request.constant(scale + 1) == nullptr)) return;
  constant_ = read(*number, request.constant(scale + 1));
}

LinearCode LinearCodeInput::operator()(const RunContext& run) const {
  if (constant_) return *constant_;
  return read(run.in(scale_), run.has(scale_ + 1) ? &run.in(scale_ + 1) : nullptr);
}

}  // namespace titrate::engine::ops
