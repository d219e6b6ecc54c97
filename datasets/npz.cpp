#include "datasets/npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "datasets/npy.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr std::string_view suffix = ".npy";

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  uLong crc = crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const std::size_t length = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
    crc = crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(length));
    bytes = bytes.subspan(length);
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

NpzArchive::NpzArchive(const std::filesystem::path& file) : file_(file), bytes_(map_file(file)) {
  members_ = read_zip_directory(bytes_.bytes, visible(file.string()));
  std::erase_if(members_, [](const ZipMember& member) { return !member.name.ends_with(suffix); });
  for (const ZipMember& member : members_) names_.push_back(member.name.substr(0, member.name.size() - suffix.size()));
}

bool NpzArchive::contains(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

StoredArray NpzArchive::open(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) {
    throw_invalid(cat("there is no array '", visible(name), "'"), visible(file_.string()), cat("it holds ", visible(join(names_, ", "))));
  }
  const ZipMember& member = members_[static_cast<std::size_t>(found - names_.begin())];
  const std::string where = cat(visible(file_.string()), ":", visible(name));
  const auto packed = bytes_.bytes.subspan(static_cast<std::size_t>(member.offset), static_cast<std::size_t>(member.packed_size));
  if (member.method == ZipMember::Method::stored) {
    if (crc_of(packed) != member.crc32) throw_invalid("the file is damaged: its checksum (CRC-32) is wrong", where);
    return {read_npy_format, {packed, bytes_.owner}, where};
  }
  Inflater inflater(packed, Inflater::Wrapping::raw, where);
  return {read_npy_format, unpack_array(inflater, read_npy_format, Unpacked{member.size, member.crc32}, where), where};
}

}  // namespace titrate
