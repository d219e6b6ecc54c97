#include "engine/ops/sub_byte.hpp"

#include <algorithm>

namespace titrate::engine::ops {

void pack_codes(std::span<const std::int8_t> codes, int bits, std::span<std::byte> target) {
  const auto per_byte = static_cast<std::size_t>(8 / bits);
  const unsigned mask = (1U << bits) - 1U;
  for (std::size_t byte = 0; byte < target.size(); ++byte) {
    unsigned packed = 0;
    const std::size_t first = byte * per_byte;
    const std::size_t count = std::min(per_byte, codes.size() - std::min(codes.size(), first));
    for (std::size_t i = 0; i < count; ++i)
      packed |= (static_cast<unsigned>(codes[first + i]) & mask) << (i * static_cast<std::size_t>(bits));
    target[byte] = static_cast<std::byte>(packed);
  }
}

std::vector<std::int8_t> unpack_codes(const Tensor& tensor) {
  const int bits = bits_of(tensor.type());
  const auto per_byte = static_cast<std::size_t>(8 / bits);
  const unsigned mask = (1U << bits) - 1U;
  const int sign = is_signed_integer(tensor.type()) ? 1 << (bits - 1) : 0;
  std::vector<std::int8_t> codes(static_cast<std::size_t>(tensor.elements()));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto byte = static_cast<unsigned>(tensor.bytes()[i / per_byte]);
    const auto code = static_cast<int>((byte >> (i % per_byte * static_cast<std::size_t>(bits))) & mask);
    codes[i] = static_cast<std::int8_t>((code ^ sign) - sign);
  }
  return codes;
}

}  // namespace titrate::engine::ops
