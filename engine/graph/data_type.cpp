#include "engine/graph/data_type.hpp"

#include <array>

namespace titrate::engine {
namespace {

struct Row {
  std::string_view name;
  int bits;
};

// Indexed by the number of the type.
constexpr std::array<Row, 27> rows = {
    {{"undefined", 0},      {"float32", 32},  {"uint8", 8},        {"int8", 8},           {"uint16", 16},
     {"int16", 16},         {"int32", 32},    {"int64", 64},       {"string", 0},         {"bool", 8},
     {"float16", 16},       {"float64", 64},  {"uint32", 32},      {"uint64", 64},        {"complex64", 64},
     {"complex128", 128},   {"bfloat16", 16}, {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
     {"float8e5m2fnuz", 8}, {"uint4", 4},     {"int4", 4},         {"float4e2m1", 4},     {"float8e8m0", 8},
     {"uint2", 2},          {"int2", 2}}};

constexpr bool is_known(DataType type) {
  const auto number = static_cast<std::int32_t>(type);
  return number >= 0 && number < static_cast<std::int32_t>(rows.size());
}

}  // namespace

std::string_view name_of(DataType type) { return is_known(type) ? rows[static_cast<std::size_t>(type)].name : "unknown"; }

std::optional<DataType> data_type_named(std::string_view name) {
  for (std::size_t number = 0; number < rows.size(); ++number) {
    if (rows[number].name == name) return static_cast<DataType>(number);
  }
  return std::nullopt;
}

int bits_of(DataType type) { return is_known(type) ? rows[static_cast<std::size_t>(type)].bits : 0; }

std::size_t bytes_of(DataType type, std::int64_t elements) {
  return (static_cast<std::size_t>(elements) * static_cast<std::size_t>(bits_of(type)) + 7) / 8;
}

bool is_float(DataType type) {
  return type == DataType::float32 || type == DataType::float64 || type == DataType::float16 || type == DataType::bfloat16;
}

bool is_float8(DataType type) { return type >= DataType::float8e4m3fn && type <= DataType::float8e5m2fnuz; }

bool is_signed_integer(DataType type) {
  switch (type) {
    case DataType::int2:
    case DataType::int4:
    case DataType::int8:
    case DataType::int16:
    case DataType::int32:
    case DataType::int64:
      return true;
    default:
      return false;
  }
}

bool is_integer(DataType type) {
  switch (type) {
    case DataType::uint2:
    case DataType::uint4:
    case DataType::uint8:
    case DataType::uint16:
    case DataType::uint32:
    case DataType::uint64:
      return true;
    default:
      return is_signed_integer(type);
  }
}

}  // namespace titrate::engine
