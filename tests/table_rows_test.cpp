// A folder with a table.cpp holds one part a file. A part without a header of its own can be reached through the table alone, so a
// forgotten row would leave it out without a word.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace titrate {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> tables() {
  std::vector<fs::path> found;
  for (const char* top : {"engine", "datasets", "tuner", "strategies", "reports"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(TITRATE_SOURCE_DIR) / top)) {
      if (entry.path().filename() == "table.cpp") found.push_back(entry.path());
    }
  }
  return found;
}

bool names(const std::string& text, const std::string& word) { return std::regex_search(text, std::regex("\\b(make_)?" + word + "\\b")); }

// Whether a header of the folder other than the table's declares it, which is how others reach it.
bool has_own_header(const fs::path& source) { return fs::exists(fs::path(source).replace_extension(".hpp")); }

TEST(TableRows, EveryPartHasItsRow) {
  const std::vector<fs::path> all = tables();
  ASSERT_FALSE(all.empty());
  int parts = 0;
  for (const fs::path& table : all) {
    const std::string rows = text_of(table);
    for (const auto& entry : fs::directory_iterator(table.parent_path())) {
      const fs::path& source = entry.path();
      if (source.extension() != ".cpp" || source == table || has_own_header(source)) continue;
      ++parts;
      EXPECT_TRUE(names(rows, source.stem().string())) << source << " has no row in " << table;
    }
  }
  EXPECT_GT(parts, 5);
}

// The check itself: it tells a part with a row from one without.
TEST(TableRows, AMissingRowIsFound) {
  const std::string rows = "constexpr std::array rows = {Row{\"exhaustive\", make_exhaustive}, Row{\"a\", ops::random_normal}};";
  EXPECT_TRUE(names(rows, "exhaustive"));
  EXPECT_TRUE(names(rows, "random_normal"));
  EXPECT_FALSE(names(rows, "random"));
  EXPECT_FALSE(names(rows, "fallback"));
}

}  // namespace
}  // namespace titrate
