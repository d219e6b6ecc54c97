// The central directory of a zip archive, read strictly: it alone says what the archive holds, and where (PKWARE APPNOTE 6.3).
// Stored members are used where they lie in the mapped file, which zip libraries do not offer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace titrate {

struct ZipMember {
  enum class Method : std::uint8_t { stored, deflated };
  std::string name;
  Method method = Method::stored;
  std::uint32_t crc32 = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  ///< of the first packed byte in the archive
};

/// Throws Error(invalid) naming archive and member: no archive, truncated, in several volumes, encrypted, a compression other than deflate,
/// repeated, absolute or climbing names, members that overlap or that differ from their local headers, a ratio no deflate stream reaches.
[[nodiscard]] std::vector<ZipMember> read_zip_directory(std::span<const std::byte> archive, const std::string& where);

}  // namespace titrate
