// What 8-bit codes stand for: number = scale * (code - zero_point), with one scale for the whole tensor. Quantized operators take the two
// as inputs beside the codes.
#pragma once

#include <optional>

#include "engine/ops/operator.hpp"
#include "engine/ops/type_dispatch.hpp"

namespace titrate::engine::ops {

inline constexpr TypeSet code_types = type_set({DataType::uint8, DataType::int8});
using CodeTypes = TypeList<std::uint8_t, std::int8_t>;

struct LinearCode {
  float scale = 1;
  std::int32_t zero_point = 0;
  friend bool operator==(const LinearCode&, const LinearCode&) = default;
};

/// Refuses a scale (input `scale`) that is not one float32 and a zero point (the input behind it, which may be left out) that is not one
/// code of the type `codes`, as far as they are known.
void check_linear_code(const InferRequest& request, std::size_t scale, DataType codes);

/// Scale and zero point of a node: read once where they are constant, at each run where they are computed.
class LinearCodeInput {
 public:
  /// The scale is input `scale`, the zero point the input behind it; left out, it is 0.
  LinearCodeInput(const PrepareRequest& request, std::size_t scale);

  [[nodiscard]] LinearCode operator()(const RunContext& run) const;
  [[nodiscard]] const std::optional<LinearCode>& constant() const { return constant_; }

 private:
  std::size_t scale_;
  std::optional<LinearCode> constant_;
};

}  // namespace titrate::engine::ops
