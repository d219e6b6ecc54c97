// Zero padding before a convolution becomes the convolution's own.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Pad (mode constant, value 0, constant sizes, spatial axes only, nothing cut off) whose only reader is a Conv with explicit or no
/// padding.
std::size_t fold_pads(Model& model);

}  // namespace titrate::engine
