#include "reports/html/markup.hpp"

#include <cmath>

#include "engine/base/text.hpp"

namespace titrate::html {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : visible(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string escaped_lines(std::string_view text) {
  std::string result;
  for (const std::string& line : split(text, '\n')) result += cat(result.empty() ? "" : "\n", escaped(line));
  return result;
}

std::string coordinate(double value) {
  const double hundredths = std::round(value * 100) / 100;
  return shortest(hundredths == 0 ? 0 : hundredths);
}

std::string figure_cell(std::string_view text) { return cat("<td class=\"figure\">", text.empty() ? "–" : escaped(text), "</td>"); }

}  // namespace titrate::html
