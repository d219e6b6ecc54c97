// The typed fields of a TensorProto and which of them holds the elements of which type (onnx/onnx: onnx/onnx.proto, TensorProto).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine {

struct StoredElements {
  std::vector<float> floats;         ///< float32; complex64 as pairs
  std::vector<double> doubles;       ///< float64; complex128 as pairs
  std::vector<std::int32_t> int32s;  ///< int32 and all that is narrower: bit patterns of small floats, sub-byte types as packed bytes
  std::vector<std::int64_t> int64s;
  std::vector<std::uint64_t> uint64s;  ///< uint64, uint32
  std::vector<std::string> strings;

  [[nodiscard]] bool empty() const {
    return floats.empty() && doubles.empty() && int32s.empty() && int64s.empty() && uint64s.empty() && strings.empty();
  }
};

/// Throws Error(invalid) if the number of stored elements is not that of the shape, if they stand in a field that is not the type's, or
/// if one does not fit the type.
[[nodiscard]] Tensor tensor_of(DataType type, const Shape& shape, const StoredElements& stored);

}  // namespace titrate::engine
