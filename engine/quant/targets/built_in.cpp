#include "engine/quant/targets/built_in.hpp"

#include <array>

namespace titrate::engine {

std::span<const BuiltInTarget> built_in_targets() {
  static const std::array all = {BuiltInTarget{"onnxruntime", onnxruntime_description}, BuiltInTarget{"openvino", openvino_description},
                                 BuiltInTarget{"tensorrt", tensorrt_description}, BuiltInTarget{"any", any_description}};
  return all;
}

}  // namespace titrate::engine
