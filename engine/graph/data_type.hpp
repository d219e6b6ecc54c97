// Element types of tensors. The numbers are those of ONNX's TensorProto.DataType (onnx/onnx: onnx/onnx.proto).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace titrate::engine {

enum class DataType : std::int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
};

/// "float32", "int4", ...; "type 99" names are never needed: an unknown number reads "unknown".
[[nodiscard]] std::string_view name_of(DataType type);
[[nodiscard]] std::optional<DataType> data_type_named(std::string_view name);

/// Bits of one element in memory and in a file; 0 for undefined, string and unknown numbers.
[[nodiscard]] int bits_of(DataType type);
/// Bytes that `elements` take, packed: two 4-bit elements a byte, the last byte padded.
[[nodiscard]] std::size_t bytes_of(DataType type, std::int64_t elements);

[[nodiscard]] bool is_float(DataType type);  ///< float16, bfloat16, float32, float64
[[nodiscard]] bool is_float8(DataType type);
[[nodiscard]] bool is_integer(DataType type);  ///< signed or unsigned, 2 to 64 bits; not boolean
[[nodiscard]] bool is_signed_integer(DataType type);

/// The element type of a C++ type.
template <class T>
inline constexpr DataType data_type_of = DataType::undefined;
template <>
inline constexpr DataType data_type_of<float> = DataType::float32;
template <>
inline constexpr DataType data_type_of<double> = DataType::float64;
template <>
inline constexpr DataType data_type_of<std::uint8_t> = DataType::uint8;
template <>
inline constexpr DataType data_type_of<std::int8_t> = DataType::int8;
template <>
inline constexpr DataType data_type_of<std::uint16_t> = DataType::uint16;
template <>
inline constexpr DataType data_type_of<std::int16_t> = DataType::int16;
template <>
inline constexpr DataType data_type_of<std::uint32_t> = DataType::uint32;
template <>
inline constexpr DataType data_type_of<std::int32_t> = DataType::int32;
template <>
inline constexpr DataType data_type_of<std::uint64_t> = DataType::uint64;
template <>
inline constexpr DataType data_type_of<std::int64_t> = DataType::int64;
template <>
inline constexpr DataType data_type_of<bool> = DataType::boolean;

}  // namespace titrate::engine
