// Model to ModelProto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Takes the bytes of big tensors out of the message.
class ExternalStore {
 public:
  virtual ~ExternalStore() = default;
  [[nodiscard]] virtual std::string location() const = 0;
  /// Returns the offset at which the bytes lie now.
  virtual std::uint64_t store(std::span<const std::byte> bytes) = 0;
};

/// Smaller tensors always stay in the message.
inline constexpr std::size_t smallest_external_tensor = 1024;

/// `external` may be null: then all tensors are in the message.
[[nodiscard]] std::vector<std::byte> model_message(const Model& model, ExternalStore* external);

/// The bytes of all tensors of the model, which is nearly the size of its message.
[[nodiscard]] std::uint64_t tensor_bytes(const Model& model);

}  // namespace titrate::engine
