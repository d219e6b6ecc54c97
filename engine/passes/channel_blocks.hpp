// float32 convolutions of two spatial axes and what is between them run in blocks of channels ([N, blocks, H, W, lanes]): a register holds
// the channels of one pixel, so nothing is gathered and no register is half empty. Values are reordered at the edges of such regions only.
// For running only: what is exported stays as it is.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// After fuse_activations(), which looks for the operators that ONNX names. Returns the number of nodes that now run in blocks; 0: nothing
/// was changed. Numbers keep their bits. Inputs and outputs stay as they were. A graph with
/// control flow that reads its values stays as it is.
std::size_t channel_blocks(Model& model);

}  // namespace titrate::engine
