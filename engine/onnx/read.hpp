// ONNX files to models.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "engine/graph/graph.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate::engine {

/// Maps the file; tensors point into the mapping where they are aligned for their type, and are copied where not. The model holds the
/// mapping as long as any of its tensors lives: the file may be replaced or deleted meanwhile, but must not be cut short in place.
/// Nodes come sorted and named, the graph is verified; what was odd but readable is in Model::warnings.
/// Throws Error(invalid) that begins with the file's name, and nothing else but std::bad_alloc.
[[nodiscard]] Model read_model(const std::filesystem::path& path);

/// The same from memory. `owner` keeps the bytes alive; if it is null, tensors copy them. External data is looked for in the folder given;
/// with an empty one, a model with external data is an error.
[[nodiscard]] Model read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                               const std::filesystem::path& folder_of_external_data);

/// A TensorProto, as in the test data of ONNX; the elements are copied. Throws Error(invalid).
[[nodiscard]] Tensor read_tensor(std::span<const std::byte> bytes);

}  // namespace titrate::engine
