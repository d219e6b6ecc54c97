// Text: joining, numbers that read back exactly, and the escaping of what came from a file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace titrate {

template <class... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return std::move(stream).str();
}

[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);

/// The shortest text that reads back as the same number: "0.01", "1e-05", "nan", "inf".
[[nodiscard]] std::string shortest(double number);

/// The whole text as a number, or nothing: no leading or trailing characters, no overflow.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// Control characters, C1 codes, bidi marks and invalid UTF-8 become visible escapes (\x1b, \u202e): for terminals and messages.
[[nodiscard]] std::string visible(std::string_view text);

/// "12.3 KB", "4.7 MB": decimal units, three digits.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// The candidate that is spelled most alike, if one is near enough to suggest: "did you mean".
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace titrate
