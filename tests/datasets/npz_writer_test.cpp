#include "datasets/npz_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <thread>

#include "datasets/npy.hpp"
#include "datasets/npz.hpp"
#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

Tensor row_of(float first) { return Tensor::of<float>({1, 3}, std::vector{first, first + 0.25F, first + 0.5F}); }

void write_backwards(const std::filesystem::path& file, bool zip64) {
  NpzWriter writer(file, {{"scores", DataType::float32, {4, 3}}, {"labels", DataType::int64, {4}}}, zip64);
  for (std::int64_t row = 3; row >= 0; --row) {
    writer.write(0, row, row_of(static_cast<float>(row)));
    writer.write(1, row, Tensor::of<std::int64_t>({1}, std::vector{10 + row}));
  }
  writer.finish();
}

// libzip as another reader: it verifies the checksums too.
std::string member_by_libzip(const std::filesystem::path& file, const char* name) {
  int error = 0;
  zip_t* archive = zip_open(file.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error);
  EXPECT_NE(archive, nullptr) << "libzip error " << error;
  if (archive == nullptr) return "";
  zip_file_t* member = zip_fopen(archive, name, 0);
  EXPECT_NE(member, nullptr) << zip_strerror(archive);
  std::string content(10'000, '\0');
  const zip_int64_t size = member == nullptr ? -1 : zip_fread(member, content.data(), content.size());
  EXPECT_GT(size, 0);
  content.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (member != nullptr) zip_fclose(member);
  zip_discard(archive);
  return content;
}

TEST(NpzWriter, IsReadByLibzipAndByUs) {
  const DataFolder folder;
  for (const bool zip64 : {false, true}) {
    SCOPED_TRACE(zip64);
    const auto file = folder / "out.npz";
    write_backwards(file, zip64);
    const Tensor scores = parse_npy(as_span(member_by_libzip(file, "scores.npy")), "libzip");
    EXPECT_EQ(scores.shape(), (Shape{4, 3}));
    EXPECT_THAT(scores.data<float>(), ElementsAre(0, 0.25, 0.5, 1, 1.25, 1.5, 2, 2.25, 2.5, 3, 3.25, 3.5));
    const NpzArchive archive(file);
    EXPECT_THAT(archive.names(), ElementsAre("scores", "labels"));
    EXPECT_EQ(crc_of(archive.open("scores").whole()), crc_of(scores));
    EXPECT_THAT(to_doubles(archive.open("labels").whole()), ElementsAre(10, 11, 12, 13));
  }
}

TEST(NpzWriter, TakesRowsFromSeveralThreads) {
  const DataFolder folder;
  constexpr std::int64_t rows = 400;
  NpzWriter writer(folder / "out.npz", {{"y", DataType::float32, {rows, 3}}});
  std::vector<std::thread> threads;
  for (std::int64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&writer, first] {
      for (std::int64_t row = first; row < rows; row += 4) writer.write(0, row, row_of(static_cast<float>(row)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer.finish();
  const StoredArray array = NpzArchive(folder / "out.npz").open("y");
  for (std::int64_t row = 0; row < rows; ++row) EXPECT_EQ(to_doubles(array.row(row))[0], static_cast<double>(row));
}

TEST(NpzWriter, NothingAppearsUnlessFinished) {
  const DataFolder folder;
  folder.write("out.npz", "precious");
  {
    NpzWriter writer(folder / "out.npz", {{"y", DataType::float32, {2, 3}}});
    writer.write(0, 0, row_of(0));
    EXPECT_THROW(writer.finish(), Error);
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "out.npz"), 8U);
  const auto listing = std::filesystem::directory_iterator((folder / "out.npz").parent_path());
  EXPECT_EQ(std::distance(begin(listing), end(listing)), 1);
}

TEST(NpzWriter, RefusesWhatDoesNotFit) {
  const DataFolder folder;
  NpzWriter writer(folder / "out.npz", {{"y", DataType::float32, {2, 3}}});
  EXPECT_THAT(error_of([&] { writer.write(0, 0, Tensor::zeros(DataType::float32, {1, 4})); }), HasSubstr("[1,4]"));
  EXPECT_THAT(error_of([&] { writer.write(0, 0, Tensor::zeros(DataType::int32, {1, 3})); }), HasSubstr("int32"));
  EXPECT_THAT(error_of([&] { writer.write(0, 2, row_of(0)); }), HasSubstr("no row 2"));
  const auto error_for = [&](std::vector<NpzArray> arrays) {
    return error_of([&] { const NpzWriter other(folder / "other.npz", std::move(arrays)); });
  };
  EXPECT_THAT(error_for({{"a", DataType::int8, {1}}, {"a", DataType::int8, {1}}}), HasSubstr("two arrays are called 'a'"));
  EXPECT_THAT(error_for({{"a", DataType::bfloat16, {1}}}), HasSubstr("bfloat16"));
  EXPECT_THROW(NpzWriter(folder / "no/such/folder.npz", {{"a", DataType::int8, {1}}}), Error);
}

TEST(NpzWriter, WritesTensorsThatAreThere) {
  const DataFolder folder;
  write_npz(folder / "out.npz", {{"a", Tensor::of<std::int8_t>({3, 1}, std::vector<std::int8_t>{-1, 2, 3})},
                                 {"none", Tensor::zeros(DataType::float64, {0, 5})}});
  const NpzArchive archive(folder / "out.npz");
  EXPECT_THAT(to_doubles(archive.open("a").whole()), ElementsAre(-1, 2, 3));
  EXPECT_EQ(archive.open("none").format().shape, (Shape{0, 5}));
}

}  // namespace
}  // namespace titrate
