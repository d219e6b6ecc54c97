#include "datasets/stored_array.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;

static_assert(std::endian::native == std::endian::little, "tensors are little-endian");

std::size_t width_of(DataType type) { return static_cast<std::size_t>(engine::bits_of(type)) / 8; }

void reverse_bytes(std::span<std::byte> bytes, std::size_t width) {
  for (std::size_t at = 0; at < bytes.size(); at += width) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
  }
}

// Copies elements that lie in column-major order, `step` elements apart along the first axis of `shape`, into row-major order.
void gather(const std::byte* from, std::int64_t step, const Shape& shape, std::size_t width, std::byte* to) {
  std::vector<std::int64_t> strides(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    strides[axis] = step;
    step *= shape[axis];
  }
  Shape index(shape.size(), 0);
  const std::int64_t count = engine::element_count(shape);
  std::int64_t source = 0;
  for (std::int64_t element = 0; element < count; ++element, to += width) {
    std::memcpy(to, from + static_cast<std::size_t>(source) * width, width);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

std::uint64_t ArrayFormat::data_bytes() const { return engine::bytes_of(type, engine::element_count(shape)); }

StoredArray::StoredArray(const FormatReader& read_format, SharedBytes file, const std::string& where)
    : format_(read_format(file.bytes, where)), where_(where) {
  const std::uint64_t wanted = format_.offset + format_.data_bytes();
  if (file.bytes.size() != wanted) {
    throw_invalid(
        cat(file.bytes.size() < wanted ? "the file is cut short: " : "the file is longer than its header says: ", name_of(format_.type),
            " ", engine::to_text(format_.shape), " makes a file of ", wanted, " bytes, this one has ", file.bytes.size()),
        where);
  }
  data_ = {file.bytes.subspan(static_cast<std::size_t>(format_.offset)), std::move(file.owner)};
}

std::int64_t StoredArray::rows() const {
  if (format_.shape.empty()) throw_invalid("the file is a single number, not an array of samples", where_);
  return format_.shape[0];
}

Tensor StoredArray::row(std::int64_t index) const {
  const std::int64_t count = rows();
  if (index < 0 || index >= count) throw_invalid(cat("the file has no sample ", index, ", only ", count), where_);
  Shape shape(format_.shape.begin() + 1, format_.shape.end());
  const std::int64_t first = format_.column_major ? index : index * engine::element_count(shape);
  return read(static_cast<std::uint64_t>(first), count, std::move(shape));
}

Tensor StoredArray::whole() const { return read(0, 1, format_.shape); }

Tensor StoredArray::read(std::uint64_t first_element, std::int64_t element_step, Shape shape) const {
  const DataType type = format_.type;
  const std::size_t width = width_of(type);
  const std::size_t size = engine::bytes_of(type, engine::element_count(shape));
  const auto at = size == 0 ? data_.bytes.begin() : data_.bytes.begin() + static_cast<std::ptrdiff_t>(first_element * width);
  const std::byte* start = data_.bytes.empty() ? nullptr : &*at;
  const bool aligned = reinterpret_cast<std::uintptr_t>(start) % width == 0;
  // Bytes of a bool may be other than 0 and 1 in a file; kernels rely on these two.
  const bool as_is = !format_.column_major && !format_.big_endian && type != DataType::boolean;
  if (as_is && aligned) return Tensor::view(type, std::move(shape), {start, size}, data_.owner);
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  const std::span<std::byte> bytes = tensor.mutable_bytes();
  if (size == 0) return tensor;
  if (format_.column_major) {
    gather(start, element_step, tensor.shape(), width, bytes.data());
  } else {
    std::memcpy(bytes.data(), start, size);
  }
  if (format_.big_endian && width > 1) reverse_bytes(bytes, width);
  if (type == DataType::boolean) std::ranges::for_each(bytes, [](std::byte& byte) { byte = std::byte{byte != std::byte{0}}; });
  return tensor;
}

SharedBytes unpack_array(Inflater& packed, const FormatReader& read_format, const std::optional<Unpacked>& stated,
                         const std::string& where) {
  std::vector<std::byte> buffer(std::size_t{1} << 18);
  std::size_t filled = packed.read(std::span(buffer).first(most_header_bytes));
  const ArrayFormat format = read_format(std::span(buffer).first(filled), where);
  const std::uint64_t size = format.offset + format.data_bytes();
  if (stated && stated->size != size) {
    throw_invalid(
        cat("the file holds ", stated->size, " bytes, but ", name_of(format.type), " ", engine::to_text(format.shape), " takes ", size),
        where);
  }
  if (filled > size) throw_invalid("the file is longer than its header says", where);
  TemporaryFile file(size);
  std::uint64_t total = 0;
  uLong crc = crc32(0, nullptr, 0);
  while (filled > 0) {
    total += filled;
    crc = crc32(crc, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(filled));
    file.append(std::span(buffer).first(filled));
    // One byte more than there may be: to see whether the data goes on.
    const std::uint64_t wanted = std::min<std::uint64_t>(buffer.size(), size - total + 1);
    filled = packed.read(std::span(buffer).first(static_cast<std::size_t>(wanted)));
    if (filled > size - total) throw_invalid(cat("the file unpacks to more than the ", size, " bytes that its header says"), where);
  }
  if (total != size) throw_invalid(cat("the file is cut short: ", total, " of ", size, " bytes"), where);
  if (stated && stated->crc32 != crc) throw_invalid("the file is damaged: its checksum (CRC-32) is wrong", where);
  return file.map();
}

}  // namespace titrate
