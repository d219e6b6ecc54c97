// A walk over the fields of one protobuf message. What a reader does not know it keeps byte for byte, so nothing of a file gets lost.
#pragma once

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::engine {

/// The cases of a switch over Fields::tag_and_type(): a field number together with how it is stored.
[[nodiscard]] constexpr std::uint32_t stored_as_varint(std::uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
[[nodiscard]] constexpr std::uint32_t stored_as_bytes(std::uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}
[[nodiscard]] constexpr std::uint32_t stored_as_32_bits(std::uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed32);
}
[[nodiscard]] constexpr std::uint32_t stored_as_64_bits(std::uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed64);
}

/// Like protozero's reader, with views of the standard library. Throws protozero::exception where the bytes are no message.
/// The getters must fit the wire type, which is why readers switch over tag_and_type().
class Fields : public protozero::pbf_reader {
 public:
  explicit Fields(std::string_view message) : pbf_reader(message.data(), message.size()) {}

  bool next() {
    start_ = data().data();
    return pbf_reader::next();
  }

  [[nodiscard]] std::string_view bytes() {
    const auto view = get_view();
    return {view.data(), view.size()};
  }
  [[nodiscard]] std::string text() { return std::string(bytes()); }

  /// Consumes the field and appends its tag and content as they stand.
  void keep_in(std::string& extra) {
    skip();
    extra.append(start_, data().data());
  }

  template <class Range, class Element>
  static void append(const Range& range, std::vector<Element>& to) {
    for (const auto element : range) to.push_back(static_cast<Element>(element));
  }

 private:
  const char* start_ = nullptr;
};

}  // namespace titrate::engine
