// An edge in words, for messages.
#pragma once

#include <string>

#include "engine/quant/edges/specs.hpp"

namespace titrate {

/// "input 0 of 'conv1'"; the name is made visible.
[[nodiscard]] std::string edge_text(const Edge& edge);

}  // namespace titrate
