// GraphProto to Graph, sub-graphs included.
#pragma once

#include <string_view>

#include "engine/graph/graph.hpp"
#include "engine/onnx/source.hpp"

namespace titrate::engine {

/// `depth`: 0 for the graph of the model, 1 for its sub-graphs ... Names that a sub-graph does not define become Graph::outer; in the
/// model's graph they are an error. Nodes come back sorted and named, with a warning where the file had them otherwise.
[[nodiscard]] Graph read_graph(std::string_view message, Source& source, int depth);

}  // namespace titrate::engine
