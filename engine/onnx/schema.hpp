// The field numbers of ONNX's protobuf messages that we read or write (onnx/onnx: onnx/onnx.proto); what is not here is kept as it stands.
#pragma once

#include <cstdint>

namespace titrate::engine::schema {

using Field = std::uint32_t;

/// The newest IR version whose meaning we know (ONNX 1.20 to 1.22).
inline constexpr std::int64_t newest_ir_version = 13;

namespace model {
inline constexpr Field ir_version = 1;
inline constexpr Field producer_name = 2;
inline constexpr Field producer_version = 3;
inline constexpr Field graph = 7;
inline constexpr Field opset_import = 8;
inline constexpr Field metadata_props = 14;
inline constexpr Field functions = 25;
}  // namespace model

namespace opset {
inline constexpr Field domain = 1;
inline constexpr Field version = 2;
}  // namespace opset

/// StringStringEntryProto: metadata and the description of external data.
namespace entry {
inline constexpr Field key = 1;
inline constexpr Field value = 2;
}  // namespace entry

namespace function {
inline constexpr Field name = 1;
inline constexpr Field node = 7;
inline constexpr Field domain = 10;
}  // namespace function

namespace graph {
inline constexpr Field node = 1;
inline constexpr Field name = 2;
inline constexpr Field initializer = 5;
inline constexpr Field input = 11;
inline constexpr Field output = 12;
inline constexpr Field value_info = 13;
inline constexpr Field sparse_initializer = 15;
}  // namespace graph

namespace node {
inline constexpr Field input = 1;
inline constexpr Field output = 2;
inline constexpr Field name = 3;
inline constexpr Field op_type = 4;
inline constexpr Field attribute = 5;
inline constexpr Field domain = 7;
}  // namespace node

namespace attribute {
inline constexpr Field name = 1;
inline constexpr Field f = 2;  // a float
inline constexpr Field i = 3;  // an int64
inline constexpr Field s = 4;  // a string
inline constexpr Field t = 5;  // a tensor
inline constexpr Field g = 6;  // a graph
inline constexpr Field floats = 7;
inline constexpr Field ints = 8;
inline constexpr Field strings = 9;
inline constexpr Field tensors = 10;
inline constexpr Field graphs = 11;
inline constexpr Field type = 20;
inline constexpr Field ref_attr_name = 21;
inline constexpr Field sparse_tensor = 22;
inline constexpr Field sparse_tensors = 23;
}  // namespace attribute

/// AttributeProto.AttributeType; the kinds that are kept as they stand have no name here.
enum class AttributeType : std::int32_t {
  undefined = 0,
  number = 1,
  integer = 2,
  text = 3,
  tensor = 4,
  graph = 5,
  numbers = 6,
  integers = 7,
  texts = 8,
  graphs = 10,
};

namespace value_info {
inline constexpr Field name = 1;
inline constexpr Field type = 2;
}  // namespace value_info

namespace type {
inline constexpr Field tensor_type = 1;
}  // namespace type

namespace tensor_type {
inline constexpr Field elem_type = 1;
inline constexpr Field shape = 2;
}  // namespace tensor_type

namespace shape {
inline constexpr Field dim = 1;
}  // namespace shape

namespace dimension {
inline constexpr Field dim_value = 1;
inline constexpr Field dim_param = 2;
}  // namespace dimension

namespace tensor {
inline constexpr Field dims = 1;
inline constexpr Field data_type = 2;
inline constexpr Field segment = 3;
inline constexpr Field float_data = 4;
inline constexpr Field int32_data = 5;
inline constexpr Field string_data = 6;
inline constexpr Field int64_data = 7;
inline constexpr Field name = 8;
inline constexpr Field raw_data = 9;
inline constexpr Field double_data = 10;
inline constexpr Field uint64_data = 11;
inline constexpr Field external_data = 13;
inline constexpr Field data_location = 14;

/// TensorProto.DataLocation
inline constexpr std::int32_t location_default = 0;
inline constexpr std::int32_t location_external = 1;
}  // namespace tensor

namespace sparse_tensor {
inline constexpr Field values = 1;
inline constexpr Field indices = 2;
}  // namespace sparse_tensor

}  // namespace titrate::engine::schema
