// A dense array as a file holds it: any byte order, either order of axes, at any address. Rows become tensors one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "datasets/file_mapping.hpp"
#include "datasets/inflate.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate {

/// What the header of a file says of the numbers behind it.
struct ArrayFormat {
  engine::DataType type = engine::DataType::undefined;
  engine::Shape shape;
  bool big_endian = false;
  bool column_major = false;  ///< Fortran order: the first axis varies fastest
  std::uint64_t offset = 0;   ///< bytes before the first number

  [[nodiscard]] std::uint64_t data_bytes() const;
};

/// Reads a header. It gets at least the first `most_header_bytes` of a file, or all of a shorter one.
using FormatReader = std::function<ArrayFormat(std::span<const std::byte> start, const std::string& where)>;
inline constexpr std::size_t most_header_bytes = 16 * 1024;

class StoredArray {
 public:
  /// `file`: header and numbers; throws Error(invalid) unless its size is exactly what the header says.
  StoredArray(const FormatReader& read_format, SharedBytes file, const std::string& where);

  [[nodiscard]] const ArrayFormat& format() const { return format_; }
  /// Entries along the first axis; throws Error(invalid) for a scalar.
  [[nodiscard]] std::int64_t rows() const;
  /// One entry of the first axis, without that axis: row-major and in the machine's byte order. Shares the file's bytes where it can.
  [[nodiscard]] engine::Tensor row(std::int64_t index) const;
  /// Everything as one tensor.
  [[nodiscard]] engine::Tensor whole() const;

 private:
  [[nodiscard]] engine::Tensor read(std::uint64_t first_element, std::int64_t element_step, engine::Shape shape) const;

  ArrayFormat format_;
  SharedBytes data_;  ///< the numbers alone
  std::string where_;
};

/// What a container says of the unpacked bytes.
struct Unpacked {
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
};

/// Unpacks header and numbers into a temporary file, never more than the header asks for. Throws Error(invalid) if there are more or fewer
/// bytes than that, or than `stated`, or if the CRC is another.
[[nodiscard]] SharedBytes unpack_array(Inflater& packed, const FormatReader& read_format, const std::optional<Unpacked>& stated,
                                       const std::string& where);

}  // namespace titrate
