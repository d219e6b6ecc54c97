// Nodes of com.microsoft on 8-bit codes, for tests: codes with scale and zero point, and a node that takes them.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {

template <class Code>
Tensor codes_of(Shape shape, const std::vector<int>& numbers) {
  Tensor tensor = Tensor::uninitialized(data_type_of<Code>, std::move(shape));
  for (std::size_t index = 0; index < numbers.size(); ++index) tensor.mutable_data<Code>()[index] = static_cast<Code>(numbers[index]);
  return tensor;
}

/// All codes equally often, but those at the ends of the range more often still.
inline Tensor random_codes(DataType type, Shape shape, std::mt19937& random) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  const bool is_signed = type == DataType::int8;
  for (std::uint8_t& byte : tensor.mutable_bits<std::uint8_t>()) {
    const auto draw = static_cast<unsigned>(random());
    const unsigned code = draw % 8 == 0 ? (draw >> 8) % 2 * 255 : (draw >> 8) % 256;
    byte = static_cast<std::uint8_t>(is_signed ? code ^ 128U : code);
  }
  return tensor;
}

/// A zero point is given as the code it is, of the type of the codes.
inline Tensor zero_point_of(DataType type, int zero_point) {
  return type == DataType::int8 ? Tensor::scalar(static_cast<std::int8_t>(zero_point))
                                : Tensor::scalar(static_cast<std::uint8_t>(zero_point));
}

inline SingleNode quantized_node(const std::string& type, std::vector<std::optional<Tensor>> inputs) {
  SingleNode node(type, 1, std::move(inputs));
  node.node.domain = "com.microsoft";
  return node;
}

}  // namespace titrate::engine
