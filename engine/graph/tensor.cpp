#include "engine/graph/tensor.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include "engine/base/aligned_memory.hpp"
#include "engine/base/error.hpp"
#include "engine/base/float16.hpp"
#include "engine/base/float8.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

// Above this a shape is a mistake or an attack; it also keeps bits * elements inside 63 bits.
constexpr std::int64_t most_elements = std::int64_t{1} << 48;

void check_has_bytes(DataType type) {
  if (bits_of(type) == 0) throw_invalid(cat("elements of type ", name_of(type), " have no bytes of a known size"));
}

}  // namespace

std::shared_ptr<std::byte> allocate_bytes(std::size_t bytes) {
  return {static_cast<std::byte*>(allocate_aligned(bytes)), [](std::byte* pointer) { free_aligned(pointer); }};
}

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  bool zero = false;
  for (const std::int64_t size : shape) {
    if (size < 0) throw_invalid(cat("a size of ", to_text(shape), " is negative"));
    if (size == 0) zero = true;
    if (size > 0 && count > most_elements / size) throw_invalid(cat("the shape ", to_text(shape), " has more elements than any memory"));
    if (size > 0) count *= size;
  }
  return zero ? 0 : count;
}

std::string to_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ',';
    text += shape[axis] < 0 ? "?" : std::to_string(shape[axis]);
  }
  return text + "]";
}

Tensor Tensor::uninitialized(DataType type, Shape shape) {
  check_has_bytes(type);
  Tensor tensor;
  tensor.type_ = type;
  tensor.elements_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.byte_size_ = bytes_of(type, tensor.elements_);
  auto memory = allocate_bytes(tensor.byte_size_);
  tensor.data_ = memory.get();
  tensor.owner_ = std::move(memory);
  tensor.writable_ = true;
  return tensor;
}

Tensor Tensor::zeros(DataType type, Shape shape) {
  if (type == DataType::string) {
    std::vector<std::string> empty(static_cast<std::size_t>(element_count(shape)));
    return of_strings(std::move(shape), std::move(empty));
  }
  Tensor tensor = uninitialized(type, std::move(shape));
  std::memset(tensor.mutable_bytes().data(), 0, tensor.byte_size_);
  return tensor;
}

Tensor Tensor::over(DataType type, Shape shape, std::shared_ptr<std::byte> memory, [[maybe_unused]] std::size_t capacity) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.elements_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.byte_size_ = bytes_of(type, tensor.elements_);
  assert(tensor.byte_size_ <= capacity);
  tensor.data_ = memory.get();
  tensor.owner_ = std::move(memory);
  tensor.writable_ = true;
  return tensor;
}

Tensor Tensor::view(DataType type, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  check_has_bytes(type);
  Tensor tensor;
  tensor.type_ = type;
  tensor.elements_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.byte_size_ = bytes_of(type, tensor.elements_);
  if (tensor.byte_size_ != bytes.size()) {
    throw_invalid(cat("a tensor of ", name_of(type), " ", to_text(tensor.shape_), " takes ", tensor.byte_size_, " bytes, but ",
                      bytes.size(), " are stored"));
  }
  tensor.data_ = bytes.data();
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::of_strings(Shape shape, std::vector<std::string> strings) {
  Tensor tensor;
  tensor.type_ = DataType::string;
  tensor.elements_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.check_count(strings.size());
  tensor.owner_ = std::make_shared<const std::vector<std::string>>(std::move(strings));
  return tensor;
}

std::span<std::byte> Tensor::mutable_bytes() {
  assert(writable_);
  return {const_cast<std::byte*>(data_), byte_size_};
}

std::span<const std::string> Tensor::strings() const {
  assert(type_ == DataType::string);
  return *static_cast<const std::vector<std::string>*>(owner_.get());
}

Tensor Tensor::reshaped(Shape shape) const {
  Tensor tensor = *this;
  if (element_count(shape) != elements_)
    throw_invalid(cat("a tensor of shape ", to_text(shape_), " cannot take the shape ", to_text(shape)));
  tensor.shape_ = std::move(shape);
  return tensor;
}

void Tensor::check_count(std::size_t count) const {
  if (count != static_cast<std::size_t>(elements_)) {
    throw_invalid(cat("a tensor of shape ", to_text(shape_), " has ", elements_, " elements, but ", count, " are given"));
  }
}

namespace {

template <class T>
std::vector<double> widen(const Tensor& tensor) {
  const auto elements = tensor.bits<T>();
  return {elements.begin(), elements.end()};
}

template <class Decode>
std::vector<double> decode_halves(const Tensor& tensor, Decode&& decode_one) {
  std::vector<double> numbers;
  for (const std::uint16_t bits : tensor.bits<std::uint16_t>()) numbers.push_back(static_cast<double>(decode_one(bits)));
  return numbers;
}

std::vector<double> decode_bytes(const Tensor& tensor, const SmallFloat& format) {
  std::vector<double> numbers;
  for (const std::uint8_t code : tensor.bits<std::uint8_t>()) numbers.push_back(static_cast<double>(decode(format, code)));
  return numbers;
}

// Powers of two: 2^(code - 127), 0xff is NaN (onnx/onnx: docs, float8e8m0).
std::vector<double> decode_exponents(const Tensor& tensor) {
  std::vector<double> numbers;
  for (const std::uint8_t code : tensor.bits<std::uint8_t>()) {
    numbers.push_back(code == 0xff ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, int{code} - 127));
  }
  return numbers;
}

// Elements of 2 or 4 bits, low bits first.
std::vector<double> unpack(const Tensor& tensor) {
  const int bits = bits_of(tensor.type());
  const int per_byte = 8 / bits;
  const unsigned mask = (1u << bits) - 1u;
  std::vector<double> numbers(static_cast<std::size_t>(tensor.elements()));
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    const auto byte = static_cast<unsigned>(tensor.bytes()[index / static_cast<std::size_t>(per_byte)]);
    const unsigned code = (byte >> (static_cast<unsigned>(bits) * (index % static_cast<std::size_t>(per_byte)))) & mask;
    if (tensor.type() == DataType::float4e2m1) {
      numbers[index] = static_cast<double>(decode(float4e2m1, static_cast<std::uint8_t>(code)));
    } else {
      const bool negative = is_signed_integer(tensor.type()) && (code >> (bits - 1)) != 0;
      numbers[index] = static_cast<double>(code) - (negative ? static_cast<double>(1u << bits) : 0.0);
    }
  }
  return numbers;
}

}  // namespace

std::vector<double> to_doubles(const Tensor& tensor) {
  switch (tensor.type()) {
    case DataType::float32:
      return widen<float>(tensor);
    case DataType::float64:
      return widen<double>(tensor);
    case DataType::boolean:
    case DataType::uint8:
      return widen<std::uint8_t>(tensor);
    case DataType::int8:
      return widen<std::int8_t>(tensor);
    case DataType::uint16:
      return widen<std::uint16_t>(tensor);
    case DataType::int16:
      return widen<std::int16_t>(tensor);
    case DataType::uint32:
      return widen<std::uint32_t>(tensor);
    case DataType::int32:
      return widen<std::int32_t>(tensor);
    case DataType::uint64:
      return widen<std::uint64_t>(tensor);
    case DataType::int64:
      return widen<std::int64_t>(tensor);
    case DataType::float16:
      return decode_halves(tensor, float_from_half);
    case DataType::bfloat16:
      return decode_halves(tensor, float_from_bfloat16);
    case DataType::float8e4m3fn:
      return decode_bytes(tensor, float8e4m3fn);
    case DataType::float8e4m3fnuz:
      return decode_bytes(tensor, float8e4m3fnuz);
    case DataType::float8e5m2:
      return decode_bytes(tensor, float8e5m2);
    case DataType::float8e5m2fnuz:
      return decode_bytes(tensor, float8e5m2fnuz);
    case DataType::float8e8m0:
      return decode_exponents(tensor);
    case DataType::uint4:
    case DataType::int4:
    case DataType::uint2:
    case DataType::int2:
    case DataType::float4e2m1:
      return unpack(tensor);
    default:
      throw_invalid(cat("elements of type ", name_of(tensor.type()), " are no numbers here"));
  }
}

std::vector<std::int64_t> to_integers(const Tensor& tensor) {
  if (tensor.type() == DataType::int64) {
    const auto elements = tensor.data<std::int64_t>();
    return {elements.begin(), elements.end()};
  }
  if (tensor.type() == DataType::int32) {
    const auto elements = tensor.data<std::int32_t>();
    return {elements.begin(), elements.end()};
  }
  throw_invalid(cat("a tensor of integers was expected, this one holds ", name_of(tensor.type())));
}

}  // namespace titrate::engine
