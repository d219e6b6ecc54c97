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

// A row names its file's stem, as it is or as make_<stem>, <stem>_<kind> or <stem>_<kinds>, such as rtn_scheme in the folder schemes.
bool names(const std::string& rows, const std::string& stem, const std::string& folder) {
  const std::string kind = folder.ends_with('s') ? folder.substr(0, folder.size() - 1) : folder;
  return std::regex_search(rows, std::regex("\\b(make_)?" + stem + "(_" + kind + "s?)?\\b"));
}

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
      if (source.extension() != ".cpp" || source == table || has_own_header(source) || source.stem() == "main") continue;
      ++parts;
      EXPECT_TRUE(names(rows, source.stem().string(), table.parent_path().filename().string())) << source << " has no row in " << table;
    }
  }
  EXPECT_GT(parts, 5);
}

// The check itself: it tells a part with a row from one without.
TEST(TableRows, AMissingRowIsFound) {
  const std::string rows =
      "constexpr std::array rows = {Row{\"exhaustive\", make_exhaustive}, Row{\"a\", ops::random_normal}, top1_metric};";
  EXPECT_TRUE(names(rows, "exhaustive", "metrics"));
  EXPECT_TRUE(names(rows, "random_normal", "metrics"));
  EXPECT_TRUE(names(rows, "top1", "metrics"));
  EXPECT_FALSE(names(rows, "random", "metrics"));
  EXPECT_FALSE(names(rows, "fallback", "metrics"));
}

}  // namespace
}  // namespace titrate
