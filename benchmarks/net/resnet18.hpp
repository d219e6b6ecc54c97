// ResNet-18 with random weights, batch normalization folded away: the shapes of the real network for measuring time.
#pragma once

#include "engine/graph/graph.hpp"

namespace titrate::benchmarks {

/// Input "image" [1,3,224,224], output "scores" [1,1000], opset 13.
[[nodiscard]] engine::Model resnet18();

}  // namespace titrate::benchmarks
