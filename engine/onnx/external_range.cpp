#include "engine/onnx/external_range.hpp"

#include <charconv>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/schema.hpp"

namespace titrate::engine {
namespace {

std::uint64_t parse_size(const std::string& key, const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) {
    throw_invalid(cat("the ", key, " of external data is '", visible(text), "', not a number of bytes"));
  }
  return number;
}

}  // namespace

ExternalRange read_external_range(std::span<const std::string_view> entries, std::vector<std::string>* warnings) {
  ExternalRange range;
  for (const std::string_view entry : entries) {
    std::string key;
    std::string value;
    for (Fields field(entry); field.next();) {
      switch (field.tag_and_type()) {
        case stored_as_bytes(schema::entry::key):
          key = field.text();
          break;
        case stored_as_bytes(schema::entry::value):
          value = field.text();
          break;
        default:
          field.skip();
      }
    }
    if (key == "location") {
      range.location = value;
    } else if (key == "offset") {
      range.offset = parse_size(key, value);
    } else if (key == "length") {
      range.length = parse_size(key, value);
    } else if (key != "checksum" && warnings != nullptr) {
      warnings->push_back(cat("external data has the unknown entry '", visible(key), "', which is ignored"));
    }
  }
  return range;
}

}  // namespace titrate::engine
