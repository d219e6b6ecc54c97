// Text and numbers on their way into the page.
#pragma once

#include <string>
#include <string_view>

namespace titrate::html {

/// For text between tags and for attributes in double quotes: control characters made visible, markup escaped.
[[nodiscard]] std::string escaped(std::string_view text);
/// As escaped(), but line breaks stay: for elements that keep white space.
[[nodiscard]] std::string escaped_lines(std::string_view text);
/// A coordinate or length in an SVG: at most two decimals.
[[nodiscard]] std::string coordinate(double value);
/// A table cell of figures; "–" if the text is empty.
[[nodiscard]] std::string figure_cell(std::string_view text);

}  // namespace titrate::html
