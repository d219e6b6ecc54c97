#include "datasets/npz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/npy.hpp"
#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

// numpy.savez(x = [[0, .25, .5], [.75, 1, 1.25]] as float32, labels = [1, -100]).
constexpr std::string_view stored =
    "UEsDBBQAAAAAAAAAIQAKnACkmAAAAJgAAAAFABQAeC5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNCcsICdmb3J0cmFuX29yZGVyJzog"
    "RmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAgD4AAAA/AABA"
    "PwAAgD8AAKA/UEsDBBQAAAAAAAAAIQBcXDuxkAAAAJAAAAAKABQAbGFiZWxzLm5weQEAEACQAAAAAAAAAJAAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2Zv"
    "cnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB"
    "AAAAAAAAAJz/////////UEsBAhQDFAAAAAAAAAAhAAqcAKSYAAAAmAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsBAhQDFAAAAAAAAAAhAFxcO7GQAAAAkAAAAAoAAAAA"
    "AAAAAAAAAIABzwAAAGxhYmVscy5ucHlQSwUGAAAAAAIAAgBrAAAAmwEAAAAA";
// numpy.savez_compressed(x = int16 [50,4] of sevens, labels = 0, 1, 2, 0, 1, 2 ...).
constexpr std::string_view deflated =
    "UEsDBBQAAAAIAAAAIQDMAcLiTQAAABACAAAFABQAeC5ucHkBABAAEAIAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaSuo6Cell9UUpSYF59flJIKEndL"
    "zClOBYoXZyQWpAL5GqYGOgommjoKtQrkAi52hlE4mCAAUEsDBBQAAAAIAAAAIQAqPr1sUgAAABACAAAKABQAbGFiZWxzLm5weQEAEAAQAgAAAAAAAFIAAAAAAAAAm+wX6hsQ"
    "ychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkapgY6mjoKtQrkAy4GKGCE0kwMqGBUnL7iAFBLAQIUAxQAAAAIAAAAIQDMAcLiTQAA"
    "ABACAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQIUAxQAAAAIAAAAIQAqPr1sUgAAABACAAAKAAAAAAAAAAAAAACAAYQAAABsYWJlbHMubnB5UEsFBgAAAAACAAIAawAA"
    "ABIBAAAAAA==";

class Npz : public testing::Test {
 protected:
  // The error of reading every array of an archive.
  std::string error_for(const std::string& content) const {
    return error_of([&] {
      const NpzArchive archive(folder_.write("bad.npz", content));
      for (const std::string& name : archive.names()) (void)archive.open(name);
    });
  }
  // `content` with bytes replaced, counted from the n-th (0-based) appearance of `mark`.
  static std::string patched(std::string content, std::string_view mark, int appearance, std::size_t offset, std::string_view bytes) {
    std::size_t at = content.find(mark);
    while (appearance-- > 0) at = content.find(mark, at + 1);
    return content.replace(at + offset, bytes.size(), bytes);
  }
  DataFolder folder_;
};

constexpr std::string_view local("PK\3\4", 4);
constexpr std::string_view central("PK\1\2", 4);
constexpr std::string_view end_record("PK\5\6", 4);

TEST_F(Npz, ReadsWhatNumpyWrote) {
  const NpzArchive archive(folder_.write("a.npz", from_base64(stored)));
  EXPECT_THAT(archive.names(), ElementsAre("x", "labels"));
  EXPECT_THAT(to_doubles(archive.open("x").row(1)), ElementsAre(0.75, 1, 1.25));
  EXPECT_THAT(to_doubles(archive.open("labels").whole()), ElementsAre(1, -100));
  const NpzArchive packed(folder_.write("b.npz", from_base64(deflated)));
  EXPECT_EQ(packed.open("x").format().shape, (Shape{50, 4}));
  EXPECT_THAT(to_doubles(packed.open("x").row(49)), ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(to_doubles(packed.open("labels").row(49)), ElementsAre(1));
}

TEST_F(Npz, ArraysOutliveTheArchive) {
  std::optional<StoredArray> array;
  array.emplace(NpzArchive(folder_.write("a.npz", from_base64(stored))).open("x"));
  EXPECT_THAT(to_doubles(array->row(0)), ElementsAre(0, 0.25, 0.5));
}

TEST_F(Npz, NamesTheArraysThereAre) {
  const NpzArchive archive(folder_.write("a.npz", from_base64(stored)));
  EXPECT_THAT(error_of([&] { (void)archive.open("y"); }), AllOf(HasSubstr("'y'"), HasSubstr("x, labels"), HasSubstr("a.npz")));
}

TEST_F(Npz, RefusesWhatIsNoArchive) {
  EXPECT_THAT(error_for("PK but no archive"), AllOf(HasSubstr("no zip archive"), HasSubstr("bad.npz")));
  EXPECT_THAT(error_for(""), HasSubstr("no zip archive"));
  const std::string file = from_base64(stored);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(error_of([&] { (void)read_zip_directory(as_span(file).first(size), "bad.npz"); }), HasSubstr("bad.npz")) << size;
  }
}

TEST_F(Npz, RefusesDamagedContent) {
  std::string wrong = from_base64(stored);
  wrong[wrong.find("\x40\x3f") + 1] = '\x3e';
  EXPECT_THAT(error_for(wrong), AllOf(HasSubstr("CRC-32"), HasSubstr("bad.npz:x")));
  wrong = patched(from_base64(deflated), central, 0, 16, "\1\2\3\4");
  EXPECT_THAT(error_for(wrong), HasSubstr("CRC-32"));
  wrong = patched(from_base64(deflated), local, 0, 30 + 5 + 20 + 10, "\xff\xff\xff\xff\xff");
  EXPECT_THAT(error_for(wrong), HasSubstr("bad.npz:x"));
}

TEST_F(Npz, RefusesLyingDirectories) {
  const std::string file = from_base64(stored);
  const std::string packed = from_base64(deflated);
  EXPECT_THAT(error_for(patched(file, central, 0, 46, "y")), HasSubstr("two different ways"));
  EXPECT_THAT(error_for(patched(file, central, 0, 8, "\1")), HasSubstr("encrypted"));
  EXPECT_THAT(error_for(patched(file, central, 0, 10, "\x0c")), HasSubstr("compression method 12"));
  EXPECT_THAT(error_for(patched(file, central, 0, 24, "\xff")), HasSubstr("two sizes"));
  EXPECT_THAT(error_for(patched(file, central, 1, 42, std::string_view("\0\0", 2))), HasSubstr("two different ways"));
  EXPECT_THAT(error_for(patched(file, central, 1, 42, "\xff\xff\xff\x7f")), HasSubstr("beyond its end"));
  EXPECT_THAT(error_for(patched(file, end_record, 0, 8, "\3")), HasSubstr("several volumes"));
  EXPECT_THAT(error_for(patched(file, end_record, 0, 8, std::string_view("\3\0\3", 3))), HasSubstr("beyond its end"));
  EXPECT_THAT(error_for(patched(file, end_record, 0, 8, "\xff\xff\xff\xff")), HasSubstr("ZIP64"));
  EXPECT_THAT(error_for(patched(packed, central, 0, 24, "\x11")), HasSubstr("holds 529 bytes"));
  EXPECT_THAT(error_for(patched(packed, central, 0, 24, std::string_view("\0\0\0\7", 4))), HasSubstr("more than any compression"));
}

TEST_F(Npz, RefusesNamesThatRepeatOrClimb) {
  // The entry of "x.npy" in place of both entries.
  const std::string once = from_base64(stored);
  const std::size_t directory = once.find(central);
  const std::string first_entry = once.substr(directory, 46 + 5);
  const std::string end = once.substr(once.find(end_record));
  std::string twice = once.substr(0, directory) + first_entry + first_entry + end;
  const auto size = static_cast<char>(2 * first_entry.size());
  twice = patched(twice, end_record, 0, 12, std::string_view(&size, 1));
  EXPECT_THAT(error_for(twice), HasSubstr("'x.npy' twice"));
  std::string climbing = patched(patched(once, central, 0, 46, "../xx"), local, 0, 30, "../xx");
  EXPECT_THAT(error_for(climbing), HasSubstr("not safe"));
  std::string absolute = patched(patched(once, central, 0, 46, "/.npy"), local, 0, 30, "/.npy");
  EXPECT_THAT(error_for(absolute), HasSubstr("not safe"));
}

TEST_F(Npz, RefusesMembersThatOverlap) {
  // The second entry points at a local header that lies within the first member's bytes.
  const std::string inner_name = "labels.npy";
  std::string file = from_base64(stored);
  const std::size_t second = file.find(local, 4);
  const std::string header = file.substr(second, 30 + inner_name.size() + 20);
  const std::size_t inside = 30 + 5 + 20 + 20;
  file.replace(inside, header.size(), header);
  const auto offset = static_cast<char>(inside);
  file = patched(file, central, 1, 42, std::string{offset, '\0', '\0', '\0'});
  EXPECT_THAT(error_for(file), HasSubstr("overlap"));
}

TEST_F(Npz, EveryFlippedByteIsReadOrRefused) {
  for (const std::string_view text : {stored, deflated}) {
    const std::string file = from_base64(text);
    // A stride that is no multiple of any field's width, so that every kind of field is hit; each byte would take long on a slow disk.
    for (std::size_t at = 0; at < file.size(); at += 5) {
      std::string flipped = file;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
      try {
        const NpzArchive archive(folder_.write("flipped.npz", flipped));
        for (const std::string& name : archive.names()) (void)archive.open(name).whole();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid) << at << ": " << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace titrate
