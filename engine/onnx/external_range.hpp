// Where the bytes of an external tensor lie.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::engine {

struct ExternalRange {
  std::string location;                 ///< relative to the model's folder
  std::uint64_t offset = 0;             ///< bytes
  std::optional<std::uint64_t> length;  ///< bytes; without it, as many as type and shape say
};

/// From the external_data entries of a TensorProto. Unknown entries are ignored; a warning goes to `warnings`, if that is not null.
/// Throws Error(invalid) on offsets and lengths that are no decimal numbers, protozero::exception on broken protobuf.
[[nodiscard]] ExternalRange read_external_range(std::span<const std::string_view> entries, std::vector<std::string>* warnings);

}  // namespace titrate::engine
