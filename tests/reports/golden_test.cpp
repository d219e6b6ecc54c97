// The reports of the everyday study, byte for byte. TITRATE_UPDATE_GOLDEN=1 writes them anew; look at the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/base/text.hpp"
#include "reports/report.hpp"
#include "tests/reports/example_study.hpp"

namespace titrate {
namespace {

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ReportGolden, TheSameStudyGivesTheSameBytes) {
  for (const ReportRow& row : reports()) {
    const std::filesystem::path path = cat(TITRATE_SOURCE_DIR, "/tests/golden/report.", row.format);
    const std::string text = row.render(example::everyday(), {});
    if (std::getenv("TITRATE_UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
    EXPECT_TRUE(file_text(path) == text) << path << " differs: TITRATE_UPDATE_GOLDEN=1 writes it anew";
  }
}

}  // namespace
}  // namespace titrate
