#include "reports/text_table.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace titrate {

namespace {

constexpr int gap = 2;              // columns between two cells
constexpr int least_flexible = 20;  // no cell is squeezed further
constexpr std::size_t most_lines = 4;

struct CodeRange {
  char32_t first;
  char32_t last;
};

// From Unicode's EastAsianWidth.txt (W and F), neighbouring blocks merged.
constexpr std::array<CodeRange, 9> wide{{{0x1100, 0x115f},
                                         {0x2e80, 0xa4cf},
                                         {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff},
                                         {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60},
                                         {0xffe0, 0xffe6},
                                         {0x1f300, 0x1faff},
                                         {0x20000, 0x3fffd}}};
constexpr std::array<CodeRange, 3> combining{{{0x300, 0x36f}, {0x200b, 0x200d}, {0xfe00, 0xfe0f}}};

template <std::size_t count>
bool is_in(char32_t code, const std::array<CodeRange, count>& ranges) {
  return std::ranges::any_of(ranges, [code](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

struct Character {
  std::size_t bytes = 1;
  int columns = 1;
};

// The first character of a text that is valid UTF-8 (titrate::visible makes it so).
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  char32_t code = lead & (0xffU >> (length + 1));
  const std::size_t end = std::min(length, text.size());
  for (std::size_t index = 1; index < end; ++index) code = (code << 6) | (static_cast<unsigned char>(text[index]) & 0x3fU);
  return {end, is_in(code, combining) ? 0 : is_in(code, wide) ? 2 : 1};
}

// How many bytes of the text fit; at least one character.
std::size_t fitting(std::string_view text, int width) {
  std::size_t bytes = 0;
  int columns = 0;
  while (bytes < text.size()) {
    const Character next = first_character(text.substr(bytes));
    if (columns + next.columns > width && bytes > 0) break;
    columns += next.columns;
    bytes += next.bytes;
  }
  return bytes;
}

// Prefers the last space of the line, unless that leaves more than half of it empty.
std::size_t break_at(std::string_view text, int width) {
  const std::size_t bytes = fitting(text, width);
  if (bytes == text.size() || text[bytes] == ' ') return bytes;
  const std::size_t space = text.substr(0, bytes).rfind(' ');
  return space == std::string_view::npos || space < bytes / 2 ? bytes : space;
}

std::string padded(const std::string& text, int width, bool right) {
  const std::string blank(static_cast<std::size_t>(std::max(0, width - text_width(text))), ' ');
  return right ? blank + text : text + blank;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

int text_width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character next = first_character(text);
    columns += next.columns;
    text.remove_prefix(next.bytes);
  }
  return columns;
}

std::vector<std::string> wrapped(std::string_view text, int width, std::size_t most) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = break_at(text, std::max(width, 4));
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) return lines;
    if (lines.size() == most) {
      std::string& last = lines.back();
      last = last.substr(0, fitting(last, std::max(width, 4) - 3)) + "...";
      return lines;
    }
  }
}

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::add(std::vector<std::string> cells, std::string before, std::string after) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), std::move(before), std::move(after)});
}

std::vector<int> TextTable::widths(int width) const {
  std::vector<int> widths(columns_.size(), 0);
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    for (const Row& row : rows_) widths[column] = std::max(widths[column], text_width(row.cells[column]));
    if (widths[column] > 0) widths[column] = std::max(widths[column], text_width(columns_[column].title));
  }
  const auto shown = static_cast<int>(std::ranges::count_if(widths, [](int columns) { return columns > 0; }));
  int excess = std::accumulate(widths.begin(), widths.end(), gap * std::max(0, shown - 1)) - width;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    if (!columns_[column].flexible || excess <= 0) continue;
    const int narrowed = std::min(widths[column], std::max(least_flexible, widths[column] - excess));
    excess -= widths[column] - narrowed;
    widths[column] = narrowed;
  }
  return widths;
}

std::string TextTable::lines_of(const Row& row, const std::vector<int>& widths) const {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    cells.push_back(wrapped(row.cells[column], std::max(1, widths[column]), most_lines));
    if (widths[column] > 0) height = std::max(height, cells.back().size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    std::string cells_of_line;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (widths[column] == 0) continue;
      const std::string cell = line < cells[column].size() ? cells[column][line] : std::string();
      if (!cells_of_line.empty()) cells_of_line += std::string(gap, ' ');
      cells_of_line += padded(cell, widths[column], columns_[column].right);
    }
    text += row.before + without_trailing_blanks(cells_of_line) + row.after + "\n";
  }
  return text;
}

std::string TextTable::text(int width) const {
  const std::vector<int> widths = this->widths(width);
  Row titles;
  for (const Column& column : columns_) titles.cells.push_back(column.title);
  std::string text = lines_of(titles, widths);
  for (const Row& row : rows_) text += lines_of(row, widths);
  return text;
}

}  // namespace titrate
