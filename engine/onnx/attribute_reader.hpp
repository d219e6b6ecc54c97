// AttributeProto to Attribute.
#pragma once

#include <string_view>

#include "engine/graph/graph.hpp"
#include "engine/onnx/source.hpp"

namespace titrate::engine {

/// `depth`: how many graphs are around the attribute's node. Throws Error(invalid) if the content is not of the kind that the attribute
/// says.
[[nodiscard]] Attribute read_attribute(std::string_view message, Source& source, int depth);

}  // namespace titrate::engine
