#include "datasets/npz_writer.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "datasets/npy.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr std::uint32_t see_wide = 0xffffffff;
constexpr std::uint16_t version_plain = 20;
constexpr std::uint16_t version_wide = 45;
constexpr std::uint16_t names_are_utf8 = 1u << 11;
constexpr std::uint16_t first_of_1980 = 1u << 5 | 1u;  // the earliest date that zip has: the same bytes whenever it is written

/// Little-endian numbers behind each other.
class Record {
 public:
  Record& u16(std::uint64_t value) { return number(value, 2); }
  Record& u32(std::uint64_t value) { return number(value, 4); }
  Record& u64(std::uint64_t value) { return number(value, 8); }
  Record& text(const std::string& value) {
    bytes_ += value;
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  Record& number(std::uint64_t value, int width) {
    for (int byte = 0; byte < width; ++byte) bytes_ += static_cast<char>(value >> (8 * byte) & 0xff);
    return *this;
  }
  std::string bytes_;
};

std::string member_name(const NpzArray& array) { return array.name + ".npy"; }

void check_names(const std::vector<NpzArray>& arrays, const std::string& where) {
  std::vector<std::string> names;
  for (const NpzArray& array : arrays) names.push_back(array.name);
  std::ranges::sort(names);
  const auto repeated = std::ranges::adjacent_find(names);
  if (repeated != names.end()) throw_invalid(cat("two arrays are called '", visible(*repeated), "'"), where);
  for (const NpzArray& array : arrays) {
    if (array.name.empty() || array.name.size() > 60'000) throw_invalid("an array has no name, or one that is too long", where);
    if (array.shape.empty()) throw_invalid(cat("the array '", visible(array.name), "' has no rows to be written one by one"), where);
  }
}

[[noreturn]] void throw_failed(int error, const std::filesystem::path& file) {
  throw Error(ErrorCode::internal, cat("an archive of arrays cannot be written: ", std::strerror(error)), visible(file.string()),
              "check the room and the rights of its folder");
}

// Descriptor and name of a new file beside `file`.
std::pair<int, std::filesystem::path> create_beside(const std::filesystem::path& file) {
  std::string name = file.string() + ".XXXXXX";
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) throw_failed(errno, file);
  return {descriptor, name};
}

// The ZIP64 sizes of APPNOTE 4.5.3.
std::string wide_sizes(std::uint64_t size, const std::uint64_t* local_offset) {
  Record extra;
  extra.u16(1).u16(local_offset != nullptr ? 24 : 16).u64(size).u64(size);
  if (local_offset != nullptr) extra.u64(*local_offset);
  return extra.bytes();
}

std::string local_header(const std::string& name, std::uint64_t size, std::uint32_t crc, bool wide) {
  const std::string extra = wide ? wide_sizes(size, nullptr) : "";
  const std::uint64_t shown = wide ? see_wide : size;
  Record record;
  record.u32(0x04034b50).u16(wide ? version_wide : version_plain).u16(names_are_utf8).u16(0).u16(0).u16(first_of_1980);
  record.u32(crc).u32(shown).u32(shown).u16(name.size()).u16(extra.size()).text(name).text(extra);
  return record.bytes();
}

std::string central_header(const std::string& name, std::uint64_t size, std::uint32_t crc, std::uint64_t local_offset, bool wide) {
  const std::string extra = wide ? wide_sizes(size, &local_offset) : "";
  const std::uint64_t shown = wide ? see_wide : size;
  const std::uint16_t version = wide ? version_wide : version_plain;
  Record record;
  record.u32(0x02014b50).u16(version).u16(version).u16(names_are_utf8).u16(0).u16(0).u16(first_of_1980);
  record.u32(crc).u32(shown).u32(shown).u16(name.size()).u16(extra.size()).u16(0).u16(0).u16(0).u32(0);
  record.u32(wide ? see_wide : local_offset).text(name).text(extra);
  return record.bytes();
}

std::string end_records(std::uint64_t members, std::uint64_t size, std::uint64_t offset, bool wide) {
  Record record;
  if (wide) {
    record.u32(0x06064b50).u64(44).u16(version_wide).u16(version_wide).u32(0).u32(0).u64(members).u64(members).u64(size).u64(offset);
    record.u32(0x07064b50).u32(0).u64(offset + size).u32(1);
  }
  const std::uint64_t count = wide ? 0xffff : members;
  record.u32(0x06054b50).u16(0).u16(0).u16(count).u16(count).u32(wide ? see_wide : size).u32(wide ? see_wide : offset).u16(0);
  return record.bytes();
}

}  // namespace

NpzWriter::NpzWriter(const std::filesystem::path& file, std::vector<NpzArray> arrays, bool always_zip64) : file_(file) {
  check_names(arrays, visible(file.string()));
  std::uint64_t total = 0;
  for (NpzArray& array : arrays) {
    Member member;
    member.header = npy_header(array.type, array.shape);
    const std::uint64_t bytes = engine::bytes_of(array.type, engine::element_count(array.shape));
    member.size = member.header.size() + bytes;
    member.row_bytes = array.shape[0] == 0 ? 0 : bytes / static_cast<std::uint64_t>(array.shape[0]);
    member.array = std::move(array);
    total += member.size + 200 + 2 * member_name(member.array).size();
    rows_expected_ += member.array.shape[0];
    members_.push_back(std::move(member));
  }
  wide_ = always_zip64 || total >= see_wide || members_.size() >= 0xffff;
  std::tie(descriptor_, temporary_) = create_beside(file);
  for (Member& member : members_) {
    member.local_offset = members_end_;
    const std::uint64_t before = local_header(member_name(member.array), member.size, 0, wide_).size() + member.header.size();
    member.numbers_offset = members_end_ + before;
    members_end_ = member.numbers_offset + member.size - member.header.size();
  }
  // So that a full disk is known now and not after hours of computing.
  const int error = posix_fallocate(descriptor_, 0, static_cast<off_t>(std::max<std::uint64_t>(members_end_, 1)));
  if (error != 0 && error != EOPNOTSUPP && error != EINVAL) {
    close(descriptor_);
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    throw_failed(error, file_);
  }
}

NpzWriter::~NpzWriter() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void NpzWriter::put(std::uint64_t offset, const void* bytes, std::size_t size) const {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = pwrite(descriptor_, next, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_failed(errno, file_);
    next += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
}

void NpzWriter::write(std::size_t array, std::int64_t row, const engine::Tensor& values) {
  const Member& member = members_.at(array);
  if (row < 0 || row >= member.array.shape[0]) {
    throw_invalid(cat("the array '", visible(member.array.name), "' has no row ", row), visible(file_.string()));
  }
  if (values.type() != member.array.type || values.bytes().size() != member.row_bytes) {
    throw_invalid(
        cat("row ", row, " of '", visible(member.array.name), "' is ", name_of(values.type()), " ", engine::to_text(values.shape()),
            ", but the rows of ", name_of(member.array.type), " ", engine::to_text(member.array.shape), " are another size or type"),
        visible(file_.string()), "all samples have to give outputs of one shape");
  }
  put(member.numbers_offset + static_cast<std::uint64_t>(row) * member.row_bytes, values.bytes().data(), values.bytes().size());
  ++rows_written_;
}

void NpzWriter::compute_checksums() {
  std::vector<char> buffer(std::size_t{1} << 20);
  for (Member& member : members_) {
    uLong crc = crc32(crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(member.header.data()), static_cast<uInt>(member.header.size()));
    std::uint64_t left = member.size - member.header.size();
    for (std::uint64_t at = member.numbers_offset; left > 0;) {
      const ssize_t got = pread(descriptor_, buffer.data(), std::min<std::uint64_t>(left, buffer.size()), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw_failed(got < 0 ? errno : EIO, file_);
      crc = crc32(crc, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(got));
      at += static_cast<std::uint64_t>(got);
      left -= static_cast<std::uint64_t>(got);
    }
    member.crc32 = static_cast<std::uint32_t>(crc);
  }
}

std::string NpzWriter::directory(std::uint64_t offset) const {
  std::string entries;
  for (const Member& member : members_) {
    entries += central_header(member_name(member.array), member.size, member.crc32, member.local_offset, wide_);
  }
  return entries + end_records(members_.size(), entries.size(), offset, wide_);
}

void NpzWriter::finish() {
  if (rows_written_ != rows_expected_) {
    throw Error(ErrorCode::internal, cat("only ", rows_written_.load(), " of ", rows_expected_, " rows were written"),
                visible(file_.string()));
  }
  compute_checksums();
  for (const Member& member : members_) {
    const std::string start = local_header(member_name(member.array), member.size, member.crc32, wide_) + member.header;
    put(member.local_offset, start.data(), start.size());
  }
  const std::string end = directory(members_end_);
  put(members_end_, end.data(), end.size());
  if (close(std::exchange(descriptor_, -1)) != 0 || std::rename(temporary_.c_str(), file_.c_str()) != 0) {
    const int error = errno;
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    throw_failed(error, file_);
  }
}

void write_npz(const std::filesystem::path& file, const std::vector<std::pair<std::string, engine::Tensor>>& arrays) {
  std::vector<NpzArray> planned;
  for (const auto& [name, tensor] : arrays) planned.push_back({name, tensor.type(), tensor.shape()});
  NpzWriter writer(file, std::move(planned));
  for (std::size_t array = 0; array < arrays.size(); ++array) {
    const engine::Tensor& tensor = arrays[array].second;
    const std::int64_t rows = tensor.shape()[0];
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::size_t size = tensor.bytes().size() / static_cast<std::size_t>(rows);
      engine::Shape shape(tensor.shape().begin() + 1, tensor.shape().end());
      // A copy, because a row need not be aligned as a tensor's bytes are.
      engine::Tensor values = engine::Tensor::uninitialized(tensor.type(), std::move(shape));
      std::ranges::copy(tensor.bytes().subspan(static_cast<std::size_t>(row) * size, size), values.mutable_bytes().begin());
      writer.write(array, row, values);
    }
  }
  writer.finish();
}

}  // namespace titrate
