#include "reports/html/script_hash.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "engine/base/text.hpp"
#include "tuner/study/digest.hpp"

namespace titrate::html {

namespace {

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  // Three bytes, six hexadecimal digits, make four digits of base64; what is missing at the end is filled with zeros and shown as '='.
  for (std::size_t at = 0; at < hex.size(); at += 6) {
    std::string group(hex.substr(at, 6));
    const std::size_t bytes = group.size() / 2;
    group.resize(6, '0');
    std::uint32_t bits = 0;
    std::from_chars(group.data(), group.data() + group.size(), bits, 16);
    for (std::size_t digit = 0; digit < 4; ++digit) {
      result += digit <= bytes ? digits[(bits >> (18 - 6 * digit)) & 63] : '=';
    }
  }
  return result;
}

}  // namespace

std::string script_hash(std::string_view text) { return cat("sha256-", base64_of_hex(sha256(text))); }

}  // namespace titrate::html
