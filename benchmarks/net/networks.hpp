// Real networks with random weights, batch normalization folded away: their shapes are what takes time. One file each.
#pragma once

#include <array>
#include <string_view>

#include "engine/graph/graph.hpp"

namespace titrate::benchmarks {

/// All take "image" [1,3,224,224] and give "scores" [1,1000], opset 13.
[[nodiscard]] engine::Model resnet18();
[[nodiscard]] engine::Model mobilenet_v2();
[[nodiscard]] engine::Model squeezenet11();

struct NetworkRow {
  std::string_view name;
  engine::Model (*make)();
};

inline constexpr std::array networks = {NetworkRow{"resnet18", resnet18}, NetworkRow{"mobilenet_v2", mobilenet_v2},
                                        NetworkRow{"squeezenet11", squeezenet11}};

}  // namespace titrate::benchmarks
