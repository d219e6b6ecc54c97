#include "tuner/study/digest.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

// FIPS 180-4's example vectors (NIST, "SHA256.pdf").
constexpr std::string_view abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view million_a = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, StandardVectors) {
  EXPECT_EQ(sha256(std::string_view("abc")), abc);
  EXPECT_EQ(sha256(std::string_view()), empty);
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), million_a);
}

TEST(Sha256, PiecesGiveTheSameAsTheWhole) { EXPECT_EQ(Sha256().update("a").update("").update("bc").hex(), abc); }

TEST(Sha256, AFileLargerThanAPiece) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "digest_test.bin";
  const std::string bytes(3'000'001, 'x');
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(sha256_of_file(path), sha256(bytes));
  std::filesystem::remove(path);
}

TEST(Sha256, AMissingFileAndAFolderAreNamed) {
  for (const std::string path : {"/no/such/file.bin", "/tmp"}) {
    try {
      static_cast<void>(sha256_of_file(path));
      ADD_FAILURE() << "no error for " << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid);
      EXPECT_EQ(error.where(), path);
    }
  }
}

}  // namespace
}  // namespace titrate
