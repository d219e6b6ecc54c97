// Lets protozero write into a std::vector<std::byte>.
#pragma once

#include <cstddef>
#include <protozero/basic_pbf_writer.hpp>
#include <string_view>
#include <vector>

namespace protozero {

template <>
struct buffer_customization<std::vector<std::byte>> {
  using Buffer = std::vector<std::byte>;

  static std::size_t size(const Buffer* buffer) noexcept { return buffer->size(); }
  static void append(Buffer* buffer, const char* data, std::size_t count) {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    buffer->insert(buffer->end(), bytes, bytes + count);
  }
  static void append_zeros(Buffer* buffer, std::size_t count) { buffer->insert(buffer->end(), count, std::byte{0}); }
  static void resize(Buffer* buffer, std::size_t size) { buffer->resize(size); }
  static void reserve_additional(Buffer* buffer, std::size_t size) {
    // Exact reservations again and again would copy the whole buffer for each field.
    if (buffer->capacity() - buffer->size() < size) buffer->reserve(buffer->size() + buffer->size() / 2 + size);
  }
  static void erase_range(Buffer* buffer, std::size_t from, std::size_t to) {
    buffer->erase(buffer->begin() + static_cast<std::ptrdiff_t>(from), buffer->begin() + static_cast<std::ptrdiff_t>(to));
  }
  static char* at_pos(Buffer* buffer, std::size_t position) { return reinterpret_cast<char*>(buffer->data()) + position; }
  static void push_back(Buffer* buffer, char character) { buffer->push_back(static_cast<std::byte>(character)); }
};

}  // namespace protozero

namespace titrate::engine {

using MessageWriter = protozero::basic_pbf_writer<std::vector<std::byte>>;

}  // namespace titrate::engine
