#include "datasets/zip_directory.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr std::uint64_t end_record_size = 22;
constexpr std::uint64_t wide_locator_size = 20;
constexpr std::uint64_t wide_end_size = 56;
constexpr std::uint64_t central_size = 46;
constexpr std::uint64_t local_size = 30;
constexpr std::uint64_t longest_comment = 0xffff;
constexpr std::uint64_t most_members = 10'000;
constexpr std::uint64_t highest_ratio = 1032;  // of deflate: 258 bytes from two bits
constexpr std::uint32_t see_wide = 0xffffffff;

// Little-endian numbers at checked places.
class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& how) const { throw_invalid(how, where_); }

  void check(std::uint64_t offset, std::uint64_t length) const {
    if (offset > size() || length > size() - offset) fail("the archive is no readable zip archive: a record lies beyond its end");
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t offset, unsigned width) const {
    check(offset, width);
    std::uint64_t value = 0;
    for (unsigned byte = width; byte-- > 0;) value = value << 8 | static_cast<std::uint64_t>(bytes_[offset + byte]);
    return value;
  }
  [[nodiscard]] std::uint16_t u16(std::uint64_t offset) const { return static_cast<std::uint16_t>(number(offset, 2)); }
  [[nodiscard]] std::uint32_t u32(std::uint64_t offset) const { return static_cast<std::uint32_t>(number(offset, 4)); }
  [[nodiscard]] std::uint64_t u64(std::uint64_t offset) const { return number(offset, 8); }
  [[nodiscard]] std::string text(std::uint64_t offset, std::uint64_t length) const {
    check(offset, length);
    return {reinterpret_cast<const char*>(bytes_.data() + offset), static_cast<std::size_t>(length)};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t members = 0;
};

std::uint64_t find_end_record(const Bytes& archive) {
  if (archive.size() < end_record_size) archive.fail("the archive is no zip archive");
  const std::uint64_t last = archive.size() - end_record_size;
  for (std::uint64_t back = 0; back <= std::min(last, longest_comment); ++back) {
    const std::uint64_t at = last - back;
    if (archive.u32(at) == 0x06054b50 && archive.u16(at + 20) == back) return at;
  }
  archive.fail("the archive is no zip archive, or its end is cut off");
}

Directory locate_directory(const Bytes& archive) {
  const std::uint64_t end = find_end_record(archive);
  if (archive.u16(end + 4) != 0 || archive.u16(end + 6) != 0 || archive.u16(end + 8) != archive.u16(end + 10)) {
    archive.fail("the archive is one of several volumes of a zip archive");
  }
  const Directory narrow{archive.u32(end + 16), archive.u32(end + 12), archive.u16(end + 10)};
  std::uint64_t records_start = end;
  Directory directory = narrow;
  if (narrow.offset == see_wide || narrow.size == see_wide || narrow.members == 0xffff) {
    if (end < wide_locator_size || archive.u32(end - wide_locator_size) != 0x07064b50)
      archive.fail("the archive lacks its ZIP64 directory");
    const std::uint64_t wide = archive.u64(end - wide_locator_size + 8);
    archive.check(wide, wide_end_size);
    if (archive.u32(wide) != 0x06064b50) archive.fail("the archive has a damaged ZIP64 directory");
    directory = {archive.u64(wide + 48), archive.u64(wide + 40), archive.u64(wide + 32)};
    records_start = wide;
  }
  archive.check(directory.offset, directory.size);
  if (directory.offset + directory.size > records_start) archive.fail("the archive has a directory that overlaps its end record");
  if (directory.members > most_members) {
    archive.fail(cat("the archive says that it holds ", directory.members, " members; at most ", most_members, " are read"));
  }
  return directory;
}

// The 64-bit sizes of extra field 1, in the order of those fields that do not fit (APPNOTE 4.5.3).
void read_wide_sizes(const Bytes& archive, std::uint64_t extra, std::uint64_t extra_size, ZipMember& member, std::uint64_t& local) {
  std::vector<std::uint64_t*> wanted;
  for (std::uint64_t* field : {&member.size, &member.packed_size, &local}) {
    if (*field == see_wide) wanted.push_back(field);
  }
  if (wanted.empty()) return;
  for (std::uint64_t at = extra; at + 4 <= extra + extra_size;) {
    const std::uint64_t length = archive.u16(at + 2);
    if (archive.u16(at) == 1) {
      if (length < 8 * wanted.size() || at + 4 + length > extra + extra_size) break;
      for (std::size_t index = 0; index < wanted.size(); ++index) *wanted[index] = archive.u64(at + 4 + 8 * index);
      return;
    }
    at += 4 + length;
  }
  archive.fail(cat("the archive lacks the ZIP64 sizes of '", visible(member.name), "'"));
}

void check_name(const Bytes& archive, const std::string& name) {
  const bool climbs = name == ".." || name.starts_with("../") || name.ends_with("/..") || name.find("/../") != std::string::npos;
  if (name.empty() || name.starts_with('/') || climbs || name.find('\0') != std::string::npos || name.find('\\') != std::string::npos) {
    archive.fail(cat("the archive holds a member with the name '", visible(name), "', which is not safe"));
  }
}

ZipMember::Method method_of(const Bytes& archive, std::uint16_t code, const std::string& name) {
  if (code == 0) return ZipMember::Method::stored;
  if (code == 8) return ZipMember::Method::deflated;
  throw_invalid(cat("compression method ", code, " of '", visible(name), "' is not supported"), archive.where(),
                "write it with numpy.savez or numpy.savez_compressed");
}

void check_sizes(const Bytes& archive, const ZipMember& member) {
  if (member.method == ZipMember::Method::stored && member.packed_size != member.size) {
    archive.fail(cat("'", visible(member.name), "' is not compressed, but has two sizes: ", member.packed_size, " and ", member.size));
  }
  if (member.size / highest_ratio > member.packed_size) {
    archive.fail(cat("'", visible(member.name), "' claims to unpack from ", member.packed_size, " to ", member.size,
                     " bytes, more than any compression reaches"));
  }
}

struct Entry {
  ZipMember member;
  std::uint64_t begin = 0;  // of its local header
  std::uint64_t end = 0;    // behind its packed bytes
};

Entry follow_local_header(const Bytes& archive, ZipMember member, std::uint64_t local, std::uint16_t method, const Directory& directory) {
  const std::string shown = visible(member.name);
  archive.check(local, local_size);
  if (archive.u32(local) != 0x04034b50) archive.fail(cat("the archive has no member at the place where '", shown, "' should be"));
  const std::uint64_t name_length = archive.u16(local + 26);
  if (archive.text(local + local_size, name_length) != member.name || archive.u16(local + 8) != method) {
    archive.fail(cat("the archive describes '", shown, "' in two different ways"));
  }
  member.offset = local + local_size + name_length + archive.u16(local + 28);
  archive.check(member.offset, member.packed_size);
  const std::uint64_t end = member.offset + member.packed_size;
  if (end > directory.offset) archive.fail(cat("'", shown, "' reaches into the archive's directory"));
  return {std::move(member), local, end};
}

Entry read_entry(const Bytes& archive, std::uint64_t& at, const Directory& directory) {
  archive.check(at, central_size);
  if (archive.u32(at) != 0x02014b50) archive.fail("the archive has a damaged directory");
  const std::uint64_t name_length = archive.u16(at + 28);
  const std::uint64_t extra_length = archive.u16(at + 30);
  ZipMember member;
  member.name = archive.text(at + central_size, name_length);
  check_name(archive, member.name);
  // Bit 0: encrypted; bit 6: strongly; bit 13: the directory is.
  if ((archive.u16(at + 8) & 0x2041u) != 0) archive.fail(cat("'", visible(member.name), "' is encrypted"));
  const std::uint16_t method = archive.u16(at + 10);
  member.method = method_of(archive, method, member.name);
  member.crc32 = archive.u32(at + 16);
  member.packed_size = archive.u32(at + 20);
  member.size = archive.u32(at + 24);
  std::uint64_t local = archive.u32(at + 42);
  const std::uint64_t extra = at + central_size + name_length;
  archive.check(extra, extra_length);
  read_wide_sizes(archive, extra, extra_length, member, local);
  check_sizes(archive, member);
  at = extra + extra_length + archive.u16(at + 32);
  return follow_local_header(archive, std::move(member), local, method, directory);
}

void check_overlaps(const Bytes& archive, std::vector<Entry> entries) {
  std::ranges::sort(entries, {}, &Entry::begin);
  for (std::size_t index = 1; index < entries.size(); ++index) {
    if (entries[index].begin < entries[index - 1].end) {
      archive.fail(cat("'", visible(entries[index - 1].member.name), "' and '", visible(entries[index].member.name), "' overlap"));
    }
  }
}

}  // namespace

std::vector<ZipMember> read_zip_directory(std::span<const std::byte> bytes, const std::string& where) {
  const Bytes archive(bytes, where);
  const Directory directory = locate_directory(archive);
  std::vector<Entry> entries;
  std::set<std::string, std::less<>> names;
  std::uint64_t at = directory.offset;
  for (std::uint64_t index = 0; index < directory.members; ++index) {
    entries.push_back(read_entry(archive, at, directory));
    if (!names.insert(entries.back().member.name).second) {
      archive.fail(cat("the archive holds '", visible(entries.back().member.name), "' twice"));
    }
  }
  if (at > directory.offset + directory.size) archive.fail("the archive has a directory that is longer than it says");
  check_overlaps(archive, entries);
  std::vector<ZipMember> members;
  for (Entry& entry : entries) members.push_back(std::move(entry.member));
  return members;
}

}  // namespace titrate
