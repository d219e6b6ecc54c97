// Elements of 2 and 4 bits, packed over the flattened tensor, the first in the lowest bits (ONNX: docs/docsgen/source/technical/int4.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine::ops {

/// The low `bits` (2 or 4) of each code; the last byte is filled up with zeros.
void pack_codes(std::span<const std::int8_t> codes, int bits, std::span<std::byte> target);

/// One code a byte, sign-extended for signed types. For tensors of 2- and 4-bit types.
[[nodiscard]] std::vector<std::int8_t> unpack_codes(const Tensor& tensor);

}  // namespace titrate::engine::ops
