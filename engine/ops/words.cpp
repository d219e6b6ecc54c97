#include "engine/ops/words.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace titrate::engine::ops {

std::vector<std::uint8_t> unpacked(const Tensor& tensor) {
  const auto bits = static_cast<std::size_t>(bits_of(tensor.type()));
  const std::size_t per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1U;
  std::vector<std::uint8_t> words(static_cast<std::size_t>(tensor.elements()));
  for (std::size_t index = 0; index < words.size(); ++index) {
    const auto byte = static_cast<unsigned>(tensor.bytes()[index / per_byte]);
    words[index] = static_cast<std::uint8_t>(byte >> (bits * (index % per_byte)) & mask);
  }
  return words;
}

void pack(std::span<const std::uint8_t> words, Tensor& target) {
  const auto bits = static_cast<std::size_t>(bits_of(target.type()));
  const std::size_t per_byte = 8 / bits;
  const std::span<std::byte> bytes = target.mutable_bytes();
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  for (std::size_t index = 0; index < words.size(); ++index) {
    bytes[index / per_byte] |= static_cast<std::byte>(words[index] << (bits * (index % per_byte)));
  }
}

Tensor room_for(DataType type, Shape shape) {
  if (type != DataType::string) return Tensor::uninitialized(type, std::move(shape));
  std::vector<std::string> strings(static_cast<std::size_t>(element_count(shape)));
  return Tensor::of_strings(std::move(shape), std::move(strings));
}

void copy_elements(const Tensor& source, Tensor& target) {
  if (source.type() == DataType::string) {
    target = source.reshaped(target.shape());
  } else if (!source.bytes().empty()) {
    std::memcpy(target.mutable_bytes().data(), source.bytes().data(), source.bytes().size());
  }
}

}  // namespace titrate::engine::ops
