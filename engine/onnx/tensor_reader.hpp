// TensorProto to Tensor: every form in which ONNX stores elements.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/graph/tensor.hpp"
#include "engine/onnx/source.hpp"

namespace titrate::engine {

struct ReadTensor {
  std::string name;
  std::optional<Tensor> tensor;  ///< none: of an element type that a Tensor cannot hold; then `opaque` has it all but the name
  std::string extra;             ///< fields that are neither name, type, shape nor elements
  std::string opaque;
};

/// Elements stay where they are if they are aligned for their type, and are copied if not. Throws Error(invalid) on a shape that cannot
/// be, on elements that are missing, too many, stored twice or in the wrong field; protozero::exception on broken protobuf.
[[nodiscard]] ReadTensor read_tensor_message(std::string_view message, Source& source);

}  // namespace titrate::engine
