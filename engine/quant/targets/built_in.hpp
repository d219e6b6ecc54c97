// The descriptions that come with titrate: one file each, one row in built_in.cpp.
#pragma once

#include <span>
#include <string_view>

namespace titrate::engine {

struct BuiltInTarget {
  std::string_view name;
  std::string_view text;  ///< JSON, as a user would write it
};

[[nodiscard]] std::span<const BuiltInTarget> built_in_targets();

extern const std::string_view onnxruntime_description;
extern const std::string_view openvino_description;
extern const std::string_view tensorrt_description;
extern const std::string_view any_description;

}  // namespace titrate::engine
