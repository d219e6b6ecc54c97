// From the element type of a tensor to the C++ type that holds its elements, and sets of element types.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/graph/data_type.hpp"

namespace titrate::engine::ops {

template <class... Types>
struct TypeList {};
template <class T>
struct TypeTag {
  using type = T;
};

using FloatTypes = TypeList<float, double>;
using IntegerTypes =
    TypeList<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using UnsignedTypes = TypeList<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using NumberTypes = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                             std::uint32_t, std::uint64_t>;
using IndexTypes = TypeList<std::int32_t, std::int64_t>;

/// Calls body(TypeTag<T>{}) with the type of the list that holds elements of `type`; throws Error(invalid) if there is none.
template <class... Types, class Body>
void with_type(TypeList<Types...>, DataType type, Body&& body) {
  const bool found = ((type == data_type_of<Types> && (body(TypeTag<Types>{}), true)) || ...);
  if (!found) throw_invalid(cat("elements of type ", name_of(type), " are not supported here"));
}

/// A set of element types; an unknown type is in every set.
struct TypeSet {
  std::uint32_t bits = 0;
  [[nodiscard]] constexpr bool has(DataType type) const {
    return type == DataType::undefined || (bits >> static_cast<std::uint32_t>(type) & 1U) != 0;
  }
  friend constexpr TypeSet operator|(TypeSet left, TypeSet right) { return {left.bits | right.bits}; }
};

[[nodiscard]] constexpr TypeSet type_set(std::initializer_list<DataType> types) {
  TypeSet set;
  for (const DataType type : types) set.bits |= 1U << static_cast<std::uint32_t>(type);
  return set;
}

inline constexpr TypeSet float_types = type_set({DataType::float16, DataType::bfloat16, DataType::float32, DataType::float64});
inline constexpr TypeSet signed_types = type_set({DataType::int8, DataType::int16, DataType::int32, DataType::int64});
inline constexpr TypeSet unsigned_types = type_set({DataType::uint8, DataType::uint16, DataType::uint32, DataType::uint64});
inline constexpr TypeSet integer_types = signed_types | unsigned_types;
inline constexpr TypeSet number_types = float_types | integer_types;
inline constexpr TypeSet boolean_type = type_set({DataType::boolean});
inline constexpr TypeSet string_type = type_set({DataType::string});
inline constexpr TypeSet index_types = type_set({DataType::int32, DataType::int64});
inline constexpr TypeSet small_types =
    type_set({DataType::float8e4m3fn, DataType::float8e4m3fnuz, DataType::float8e5m2, DataType::float8e5m2fnuz, DataType::float8e8m0,
              DataType::float4e2m1, DataType::uint4, DataType::int4, DataType::uint2, DataType::int2});
/// What operators that only move elements take: all but complex numbers.
inline constexpr TypeSet movable_types = number_types | boolean_type | string_type | small_types;

}  // namespace titrate::engine::ops
