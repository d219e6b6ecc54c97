#include "datasets/idx.hpp"

#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;

DataType type_of_code(unsigned code) {
  switch (code) {
    case 0x08:
      return DataType::uint8;
    case 0x09:
      return DataType::int8;
    case 0x0b:
      return DataType::int16;
    case 0x0c:
      return DataType::int32;
    case 0x0d:
      return DataType::float32;
    case 0x0e:
      return DataType::float64;
    default:
      return DataType::undefined;
  }
}

bool is_gzip(std::span<const std::byte> bytes) { return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b}; }

}  // namespace

ArrayFormat read_idx_format(std::span<const std::byte> start, const std::string& where) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned>(start[index]); };
  if (start.size() < 4 || byte(0) != 0 || byte(1) != 0 || type_of_code(byte(2)) == DataType::undefined || byte(3) == 0) {
    throw_invalid("the file is no IDX file", where, "sources are .npy, .npz:array, an IDX file (plain or gzip) or a folder/ of pictures");
  }
  const std::size_t axes = byte(3);
  ArrayFormat format{.type = type_of_code(byte(2)), .shape = {}, .big_endian = true, .column_major = false, .offset = 4 + 4 * axes};
  if (start.size() < format.offset) throw_invalid("the file is cut short in its IDX header", where);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const std::size_t at = 4 + 4 * axis;
    format.shape.push_back(std::int64_t{byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3)});
  }
  try {
    (void)engine::element_count(format.shape);
  } catch (Error& error) {
    error.in(where);
    throw;
  }
  return format;
}

StoredArray open_idx(const std::filesystem::path& file) {
  const std::string where = visible(file.string());
  SharedBytes bytes = map_file(file);
  if (is_gzip(bytes.bytes)) {
    Inflater inflater(bytes.bytes, Inflater::Wrapping::gzip, where);
    bytes = unpack_array(inflater, read_idx_format, std::nullopt, where);
  }
  return {read_idx_format, std::move(bytes), where};
}

}  // namespace titrate
