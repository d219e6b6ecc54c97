#include "datasets/idx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

std::string big_endian(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16 & 0xff), static_cast<char>(number >> 8 & 0xff),
          static_cast<char>(number & 0xff)};
}

std::string idx(char type, const std::vector<std::uint32_t>& sizes, const std::string& numbers) {
  std::string file{'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) file += big_endian(size);
  return file + numbers;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  std::string copy = text;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

const std::string bytes = idx(8, {3, 2}, "abcdef");

TEST(Idx, ReadsPlainAndGzip) {
  const DataFolder folder;
  for (const std::string& content : {bytes, gzip(bytes), gzip(bytes.substr(0, 5)) + gzip(bytes.substr(5))}) {
    const StoredArray array = open_idx(folder.write("x-ubyte", content));
    EXPECT_EQ(array.format().type, DataType::uint8);
    EXPECT_EQ(array.rows(), 3);
    EXPECT_THAT(to_doubles(array.row(2)), ElementsAre('e', 'f'));
  }
}

TEST(Idx, ReadsBigEndianNumbers) {
  const DataFolder folder;
  EXPECT_THAT(to_doubles(open_idx(folder.write("i", idx(0x0b, {2}, std::string("\x01\x02\xff\xfe", 4)))).whole()), ElementsAre(258, -2));
  EXPECT_THAT(to_doubles(open_idx(folder.write("f", idx(0x0d, {1}, std::string("\x3f\xc0\0\0", 4)))).whole()), ElementsAre(1.5));
}

TEST(Idx, RefusesDamage) {
  const DataFolder folder;
  const auto error_for = [&](const std::string& content) { return error_of([&] { (void)open_idx(folder.write("bad-ubyte", content)); }); };
  EXPECT_THAT(error_for("poem"), AllOf(HasSubstr("no IDX file"), HasSubstr("bad-ubyte")));
  EXPECT_THAT(error_for(""), HasSubstr("no IDX file"));
  EXPECT_THAT(error_for(idx(7, {1}, "a")), HasSubstr("no IDX file"));
  EXPECT_THAT(error_for(idx(8, {}, "a")), HasSubstr("no IDX file"));
  EXPECT_THAT(error_for(idx(8, {3}, "ab")), HasSubstr("cut short"));
  EXPECT_THAT(error_for(idx(8, {3}, "abcd")), HasSubstr("longer"));
  EXPECT_THAT(error_for(idx(8, std::vector<std::uint32_t>(4, 0xffffffff), "abcd")), HasSubstr("bad-ubyte"));
  const std::string packed = gzip(bytes);
  EXPECT_THAT(error_for(packed.substr(0, packed.size() - 9)), HasSubstr("cut short"));
  EXPECT_THAT(error_for(packed + "garbage"), HasSubstr("damaged"));
  std::string wrong = packed;
  wrong[wrong.size() - 6] = static_cast<char>(wrong[wrong.size() - 6] ^ 1);  // in the CRC
  EXPECT_THAT(error_for(wrong), HasSubstr("damaged"));
}

TEST(Idx, StopsUnpackingWhereTheHeaderEnds) {
  const DataFolder folder;
  const std::string bomb = gzip(idx(8, {3, 2}, "abcdef") + std::string(20'000'000, '\0'));
  EXPECT_THAT(error_of([&] { (void)open_idx(folder.write("bomb.gz", bomb)); }), HasSubstr("longer than its header says"));
  const std::string late = gzip(idx(8, {100'000}, std::string(20'000'000, '\0')));
  EXPECT_THAT(error_of([&] { (void)open_idx(folder.write("late.gz", late)); }), HasSubstr("unpacks to more than the 100008 bytes"));
  const std::string claim = gzip(idx(8, {0xffffffff, 0xffff}, "a"));
  EXPECT_THROW((void)open_idx(folder.write("claim.gz", claim)), Error);
}

TEST(Idx, EveryTruncationOfAGzipFileIsAnError) {
  const DataFolder folder;
  const std::string packed = gzip(bytes);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_THAT(error_of([&] { (void)open_idx(folder.write("x.gz", packed.substr(0, size))); }), HasSubstr("x.gz")) << size;
  }
}

}  // namespace
}  // namespace titrate
