// What a ValueInfoProto says of a tensor value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct ReadValueInfo {
  std::string name;
  std::optional<ValueInfo> info;  ///< none: no type is given, or that of a sequence, map, optional or sparse tensor
  std::string message;            ///< everything but the name, as it was read
};

/// Throws protozero::exception on broken protobuf. Negative sizes, as some exporters write for free ones, read as unknown.
[[nodiscard]] ReadValueInfo read_value_info(std::string_view message);

/// The fields of a ValueInfoProto, without the name.
[[nodiscard]] std::string write_value_info(const ValueInfo& info);

}  // namespace titrate::engine
