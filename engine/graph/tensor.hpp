// A dense tensor: an element type, a shape, and bytes that several tensors may share.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/data_type.hpp"

namespace titrate::engine {

using Shape = std::vector<std::int64_t>;

/// Memory for tensors: 64-byte aligned, not initialised; throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::byte> allocate_bytes(std::size_t bytes);

/// The product of the sizes; throws Error(invalid) if a size is negative or the product does not fit.
[[nodiscard]] std::int64_t element_count(std::span<const std::int64_t> shape);
/// "[1,3,224,224]"; a negative size is shown as "?".
[[nodiscard]] std::string to_text(std::span<const std::int64_t> shape);

/// A value: copying shares the bytes. Elements are row-major and little-endian, sub-byte types packed low bits first, as in ONNX.
/// Strings have no bytes here: a string tensor keeps its elements in `strings()`.
class Tensor {
 public:
  Tensor() = default;  ///< no tensor: type() is undefined

  /// Zero-filled bytes of its own, 64-byte aligned; throws Error(invalid) on an impossible shape, std::bad_alloc when memory runs out.
  [[nodiscard]] static Tensor zeros(DataType type, Shape shape);
  /// Bytes of its own that are not initialised.
  [[nodiscard]] static Tensor uninitialized(DataType type, Shape shape);
  /// The first bytes of memory that the caller keeps for reuse: at least as large as type and shape say (asserted), 64-byte aligned.
  [[nodiscard]] static Tensor over(DataType type, Shape shape, std::shared_ptr<std::byte> memory, std::size_t capacity);
  /// Bytes of somebody else, kept alive by `owner`; read only. `bytes` must have the size that type and shape say (checked) and be aligned
  /// for the type.
  [[nodiscard]] static Tensor view(DataType type, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  [[nodiscard]] static Tensor of_strings(Shape shape, std::vector<std::string> strings);
  template <class T>
  [[nodiscard]] static Tensor of(const Shape& shape, std::span<const T> elements) {
    Tensor tensor = uninitialized(data_type_of<T>, shape);
    tensor.check_count(elements.size());
    if (!elements.empty()) std::memcpy(tensor.mutable_bytes().data(), elements.data(), elements.size_bytes());
    return tensor;
  }
  template <class T>
  [[nodiscard]] static Tensor of(const Shape& shape, const std::vector<T>& elements) {
    return of(shape, std::span<const T>(elements));
  }
  template <class T>
  [[nodiscard]] static Tensor scalar(T value) {
    return of(Shape{}, std::span<const T>(&value, 1));
  }

  [[nodiscard]] bool exists() const { return type_ != DataType::undefined; }
  [[nodiscard]] DataType type() const { return type_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t rank() const { return static_cast<std::int64_t>(shape_.size()); }
  [[nodiscard]] std::int64_t elements() const { return elements_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, byte_size_}; }
  /// Only for a tensor that was made by zeros() or uninitialized() and that the caller has not shared.
  [[nodiscard]] std::span<std::byte> mutable_bytes();

  /// The elements; T must be the element type (asserted). float16, bfloat16 and float8 are read through their bit patterns with bits<T>().
  template <class T>
  [[nodiscard]] std::span<const T> data() const {
    assert(data_type_of<T> == type_);
    return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(elements_)};
  }
  template <class T>
  [[nodiscard]] std::span<T> mutable_data() {
    assert(data_type_of<T> == type_ && writable_);
    return {reinterpret_cast<T*>(const_cast<std::byte*>(data_)), static_cast<std::size_t>(elements_)};
  }
  /// The bit patterns of elements that are as wide as T, whatever the type.
  template <class T>
  [[nodiscard]] std::span<const T> bits() const {
    assert(bits_of(type_) == static_cast<int>(8 * sizeof(T)));
    return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(elements_)};
  }
  template <class T>
  [[nodiscard]] std::span<T> mutable_bits() {
    assert(bits_of(type_) == static_cast<int>(8 * sizeof(T)) && writable_);
    return {reinterpret_cast<T*>(const_cast<std::byte*>(data_)), static_cast<std::size_t>(elements_)};
  }
  [[nodiscard]] std::span<const std::string> strings() const;

  /// The same bytes under another shape with as many elements.
  [[nodiscard]] Tensor reshaped(Shape shape) const;
  /// How many tensors share the bytes, as std::shared_ptr counts; the executor reuses buffers that nobody else holds.
  [[nodiscard]] long owners() const { return owner_.use_count(); }

 private:
  void check_count(std::size_t count) const;

  DataType type_ = DataType::undefined;
  bool writable_ = false;
  Shape shape_;
  std::int64_t elements_ = 0;
  std::size_t byte_size_ = 0;
  const std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

/// All elements as numbers, for small tensors and for tests: any numeric type but complex, sub-byte types unpacked.
[[nodiscard]] std::vector<double> to_doubles(const Tensor& tensor);
/// All elements of an int64 or int32 tensor: shapes, axes, indices. Throws Error(invalid) for other types.
[[nodiscard]] std::vector<std::int64_t> to_integers(const Tensor& tensor);

}  // namespace titrate::engine
