// Aligned columns for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace titrate {

/// Columns that a terminal gives to the text: 2 for wide East Asian characters and pictographs, 0 for combining marks.
[[nodiscard]] int text_width(std::string_view text);

/// The text in lines of at most `width` columns; broken at spaces, or anywhere if a word is too long. More than `most_lines` end in "...".
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, int width, std::size_t most_lines = 1000);

class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;     ///< figures
    bool flexible = false;  ///< gives way when the table is too wide: its cells are wrapped
  };

  explicit TextTable(std::vector<Column> columns);

  /// One cell for each column. `before` and `after` are escape sequences around the row, which take no room.
  void add(std::vector<std::string> cells, std::string before = {}, std::string after = {});
  /// Columns in which no row has a text are left out.
  [[nodiscard]] std::string text(int width) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::string before;
    std::string after;
  };

  [[nodiscard]] std::vector<int> widths(int width) const;
  [[nodiscard]] std::string lines_of(const Row& row, const std::vector<int>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace titrate
