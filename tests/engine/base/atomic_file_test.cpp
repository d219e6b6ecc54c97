#include "engine/base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("titrate-atomic-test-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::ptrdiff_t count() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }
  static void refused(const std::filesystem::path& path, const std::string& words) {
    try {
      write_file_atomically(path, "new");
      ADD_FAILURE() << "no error, but expected one about: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(std::string(error.what()), testing::HasSubstr(words));
      EXPECT_FALSE(error.hint().empty());
    }
  }

  std::filesystem::path folder_;
};

TEST_F(AtomicFileTest, ReplacesTheWholeFile) {
  write_file_atomically(folder_ / "f", "first and long");
  write_file_atomically(folder_ / "f", "second");
  EXPECT_EQ(content_of(folder_ / "f"), "second");
  EXPECT_EQ(count(), 1);
}

TEST_F(AtomicFileTest, WithoutCommitNothingHappens) {
  write_file_atomically(folder_ / "f", "old");
  {
    AtomicFile file(folder_ / "f");
    file.write(std::as_bytes(std::span("new")));
    EXPECT_EQ(content_of(folder_ / "f"), "old");
  }
  EXPECT_EQ(content_of(folder_ / "f"), "old");
  EXPECT_EQ(count(), 1);
}

TEST_F(AtomicFileTest, KeepsPermissionsAndLinks) {
  write_file_atomically(folder_ / "f", "old");
  std::filesystem::permissions(folder_ / "f", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink("f", folder_ / "link");
  write_file_atomically(folder_ / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(content_of(folder_ / "f"), "new");
  EXPECT_EQ(std::filesystem::status(folder_ / "f").permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(AtomicFileTest, RefusesPlacesThatCannotBe) {
  write_file_atomically(folder_ / "f", "old");
  refused(folder_ / "nowhere" / "f", "nowhere/f");
  refused(folder_ / "f" / "out.onnx", "out.onnx");
  refused(folder_, "no regular file");
  refused("/dev/null", "no regular file");
  refused("", "names no file");
  EXPECT_EQ(count(), 1);
}

// A limit on the size of files stands for a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(AtomicFileTest, WhenWritingFailsTheOldFileStays) {
  write_file_atomically(folder_ / "f", "old");
  {
    const FileSizeLimit limit(1000);
    try {
      write_file_atomically(folder_ / "f", std::string(5000, 'n'));
      ADD_FAILURE() << "writing 5000 bytes did not fail";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::internal);
      EXPECT_THAT(std::string(error.what()), testing::HasSubstr("cannot write"));
    }
  }
  EXPECT_EQ(content_of(folder_ / "f"), "old");
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace titrate
