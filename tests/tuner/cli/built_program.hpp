// The built program, run from outside in a folder of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace titrate {

namespace fs = std::filesystem;

struct Result {
  int code = 0;
  std::string output;  // stdout
  std::string errors;  // stderr
};

inline std::string read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class BuiltProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(program_)) GTEST_SKIP() << "the program is not built";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] Result run(const std::string& words) const {
    const fs::path errors = folder_ / ".stderr";
    const std::string command = "cd '" + folder_.string() + "' && '" + program_.string() + "' " + words + " 2>'" + errors.string() + "'";
    FILE* pipe = popen(command.c_str(), "r");
    Result result;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) result.output.append(buffer.data(), got);
    result.code = WEXITSTATUS(pclose(pipe));
    result.errors = read_file(errors);
    fs::remove(errors);
    return result;
  }

  void write(const std::string& name, const std::string& content) const { std::ofstream(folder_ / name, std::ios::binary) << content; }

  // The exit code, the message on stderr, the same as JSON on stdout, and nothing new in the folder.
  void refuse(const std::string& words, int code, const std::string& says) const {
    SCOPED_TRACE(words);
    const auto before = std::distance(fs::directory_iterator(folder_), {});
    const Result result = run(words + " --json");
    EXPECT_EQ(result.code, code) << result.errors;
    EXPECT_THAT(result.errors, testing::HasSubstr(says));
    const auto json = nlohmann::json::parse(result.output, nullptr, false);
    ASSERT_TRUE(json.is_object()) << result.output;
    EXPECT_EQ(json["schema"], 1);
    EXPECT_EQ(json["error"]["code"], code);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), before);
  }

  const fs::path program_ = fs::path(TITRATE_BINARY_DIR) / "bin/titrate";
  const std::string glyphs_ = "'" TITRATE_SOURCE_DIR "/datasets/embedded/glyphs.onnx'";
  const fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

}  // namespace titrate
