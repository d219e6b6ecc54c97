// Outputs of batch normalizations that training alone fills go where nobody reads them.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Exporters of old listed mean, variance and their saved copies among the outputs of BatchNormalization (up to opset 13) in models for
/// inference too. Where none of them is read, the node keeps its first output alone. Sub-graphs too.
std::size_t drop_unread_statistics(Model& model);

}  // namespace titrate::engine
