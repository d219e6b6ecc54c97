#include "engine/onnx/tensor_elements.hpp"

#include <cstring>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

std::size_t stored_count(const StoredElements& stored) {
  return stored.floats.size() + stored.doubles.size() + stored.int32s.size() + stored.int64s.size() + stored.uint64s.size() +
         stored.strings.size();
}

// `count` is what the type's own field holds, `expected` what it should.
void check(DataType type, const Shape& shape, const StoredElements& stored, std::size_t count, std::size_t expected) {
  if (stored_count(stored) != count) throw_invalid(cat("elements of type ", name_of(type), " are stored in a field of another type"));
  if (count != expected) {
    throw_invalid(
        cat("a tensor of ", name_of(type), " ", to_text(shape), " needs ", expected, " stored numbers, but ", count, " are there"));
  }
}

template <class T>
Tensor copied(DataType type, const Shape& shape, const StoredElements& stored, const std::vector<T>& from) {
  const std::size_t expected = bytes_of(type, element_count(shape)) / sizeof(T);
  check(type, shape, stored, from.size(), expected);
  Tensor tensor = Tensor::uninitialized(type, shape);
  if (!from.empty()) std::memcpy(tensor.mutable_bytes().data(), from.data(), from.size() * sizeof(T));
  return tensor;
}

// From a wider integer into `width` bytes; both the signed and the unsigned reading of a bit pattern are found in files.
template <class T>
Tensor narrowed(DataType type, const Shape& shape, const StoredElements& stored, const std::vector<T>& from, std::size_t width) {
  const std::size_t expected = bytes_of(type, element_count(shape)) / width;
  check(type, shape, stored, from.size(), expected);
  Tensor tensor = Tensor::uninitialized(type, shape);
  const std::int64_t lowest = -(std::int64_t{1} << (8 * width - 1));
  const std::int64_t highest = (std::int64_t{1} << (8 * width)) - 1;
  std::byte* to = tensor.mutable_bytes().data();
  for (const T number : from) {
    auto wide = static_cast<std::int64_t>(number);
    if (type == DataType::boolean) wide = wide != 0 ? 1 : 0;
    if (wide < lowest || wide > highest) throw_invalid(cat("the stored number ", number, " does not fit ", name_of(type)));
    std::memcpy(to, &wide, width);  // little-endian: the low bytes come first
    to += width;
  }
  return tensor;
}

}  // namespace

Tensor tensor_of(DataType type, const Shape& shape, const StoredElements& stored) {
  switch (type) {
    case DataType::float32:
    case DataType::complex64:
      return copied(type, shape, stored, stored.floats);
    case DataType::float64:
    case DataType::complex128:
      return copied(type, shape, stored, stored.doubles);
    case DataType::int32:
      return copied(type, shape, stored, stored.int32s);
    case DataType::int64:
      return copied(type, shape, stored, stored.int64s);
    case DataType::uint64:
      return copied(type, shape, stored, stored.uint64s);
    case DataType::uint32:
      return narrowed(type, shape, stored, stored.uint64s, 4);
    case DataType::string:
      check(type, shape, stored, stored.strings.size(), static_cast<std::size_t>(element_count(shape)));
      return Tensor::of_strings(shape, stored.strings);
    default:
      return narrowed(type, shape, stored, stored.int32s, bits_of(type) == 16 ? 2 : 1);
  }
}

}  // namespace titrate::engine
