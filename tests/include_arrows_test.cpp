// Who may include whom: every #include of the tree against the table of folders.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace titrate {
namespace {

namespace fs = std::filesystem;

struct FolderRow {
  std::string_view folder;
  std::vector<std::string_view> may_include;  ///< beside itself and engine/base
};

// "*": everything. The longest folder that fits a path is its own.
const std::vector<FolderRow> folders{
    {"engine/base", {}},
    {"engine/config", {}},
    {"engine/kernels", {}},
    {"engine/graph", {}},
    {"engine/ops", {"engine/graph", "engine/kernels"}},
    {"engine/onnx", {"engine/graph", "engine/ops"}},
    {"engine/passes", {"engine/graph", "engine/ops"}},
    {"engine/quant", {"engine/graph", "engine/ops", "engine/config", "engine/passes"}},
    {"engine/run", {"engine/graph", "engine/ops"}},
    {"datasets", {"engine/graph"}},
    {"tuner/study", {"engine/config"}},
    {"tuner/metrics", {"engine/graph"}},
    {"strategies", {"engine/config", "tuner/study"}},
    {"reports", {"tuner/study"}},
    {"tuner", {"*"}},
};

struct LibraryRow {
  std::string_view header;  ///< begins so
  std::string_view place;   ///< the folder or file that alone may include it
};

const std::vector<LibraryRow> libraries{
    {"sqlite3.h", "tuner/study/sqlite.cpp"},
    {"protozero/", "engine/onnx"},
    {"CLI/", "tuner/cli"},
    {"zip.h", "datasets"},
    {"jpeglib.h", "datasets"},
    {"jerror.h", "datasets"},
    {"png.h", "datasets"},
    {"openssl/", "tuner/study/digest.cpp"},
    {"immintrin.h", "engine/kernels"},
    {"x86intrin.h", "engine/kernels"},
    {"arm_neon.h", "engine/kernels"},
};

struct Include {
  std::string file;  ///< path from the root
  std::string header;
  bool is_quoted = false;
};

bool is_in(std::string_view path, std::string_view place) {
  return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

const FolderRow* row_of(std::string_view path) {
  const FolderRow* found = nullptr;
  for (const FolderRow& row : folders) {
    if (is_in(path, row.folder) && (found == nullptr || row.folder.size() > found->folder.size())) found = &row;
  }
  return found;
}

// What is wrong with it, or "".
std::string complaint_about(const Include& include) {
  if (!include.is_quoted) {
    for (const LibraryRow& library : libraries) {
      if (include.header.starts_with(library.header) && !is_in(include.file, library.place))
        return "belongs to " + std::string(library.place);
    }
    return {};
  }
  const FolderRow* from = row_of(include.file);
  const FolderRow* to = row_of(include.header);
  if (from == nullptr) return "lies in a folder without a row";
  if (to == nullptr) return "is no path from the root, or lies in a folder without a row";
  if (from == to || to->folder == "engine/base") return {};
  const auto is_allowed = [&](std::string_view allowed) { return allowed == "*" || allowed == to->folder; };
  if (std::ranges::any_of(from->may_include, is_allowed)) return {};
  return std::string(from->folder) + " may not know " + std::string(to->folder);
}

std::vector<Include> includes_of(const fs::path& root, const fs::path& file) {
  static const std::regex directive(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::vector<Include> includes;
  std::ifstream text(file);
  std::smatch match;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_search(line, match, directive)) includes.push_back({fs::relative(file, root).string(), match[2], match[1] == "\""});
  }
  return includes;
}

std::vector<Include> all_includes() {
  const fs::path root = TITRATE_SOURCE_DIR;
  std::vector<Include> includes;
  for (const char* top : {"engine", "datasets", "tuner", "strategies", "reports"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".inc") continue;
      const std::vector<Include> more = includes_of(root, entry.path());
      includes.insert(includes.end(), more.begin(), more.end());
    }
  }
  return includes;
}

TEST(IncludeArrows, EveryIncludeFollowsTheTable) {
  const std::vector<Include> includes = all_includes();
  ASSERT_GT(includes.size(), 100U);
  for (const Include& include : includes) {
    const std::string complaint = complaint_about(include);
    EXPECT_EQ(complaint, "") << include.file << " includes " << include.header;
  }
}

// The check itself: a test that finds nothing must be able to find something.
TEST(IncludeArrows, WrongOnesAreFound) {
  EXPECT_EQ(complaint_about({"engine/ops/conv.cpp", "engine/kernels/sgemm.hpp", true}), "");
  EXPECT_EQ(complaint_about({"engine/ops/conv.cpp", "engine/base/error.hpp", true}), "");
  EXPECT_EQ(complaint_about({"tuner/cli/main.cpp", "reports/report.hpp", true}), "");
  EXPECT_EQ(complaint_about({"tuner/study/sqlite.cpp", "sqlite3.h", false}), "");
  EXPECT_EQ(complaint_about({"engine/kernels/sgemm.cpp", "engine/ops/operator.hpp", true}), "engine/kernels may not know engine/ops");
  EXPECT_EQ(complaint_about({"tuner/study/study.cpp", "tuner/evaluate.hpp", true}), "tuner/study may not know tuner");
  EXPECT_EQ(complaint_about({"reports/html.cpp", "strategies/strategy.hpp", true}), "reports may not know strategies");
  EXPECT_EQ(complaint_about({"strategies/random.cpp", "table.hpp", true}), "is no path from the root, or lies in a folder without a row");
  EXPECT_EQ(complaint_about({"reports/html.cpp", "sqlite3.h", false}), "belongs to tuner/study/sqlite.cpp");
}

}  // namespace
}  // namespace titrate
