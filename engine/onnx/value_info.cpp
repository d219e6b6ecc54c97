#include "engine/onnx/value_info.hpp"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "engine/onnx/fields.hpp"
#include "engine/onnx/schema.hpp"

namespace titrate::engine {
namespace {

Dimension read_dimension(std::string_view message) {
  Dimension dimension;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_varint(schema::dimension::dim_value):
        dimension.size = std::max<std::int64_t>(field.get_int64(), -1);
        break;
      case stored_as_bytes(schema::dimension::dim_param):
        dimension.symbol = field.text();
        break;
      default:
        field.skip();
    }
  }
  return dimension;
}

std::vector<Dimension> read_shape(std::string_view message) {
  std::vector<Dimension> shape;
  for (Fields field(message); field.next();) {
    if (field.tag_and_type() == stored_as_bytes(schema::shape::dim)) {
      shape.push_back(read_dimension(field.bytes()));
    } else {
      field.skip();
    }
  }
  return shape;
}

ValueInfo read_tensor_type(std::string_view message) {
  ValueInfo info;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_varint(schema::tensor_type::elem_type):
        info.type = static_cast<DataType>(field.get_int32());
        break;
      case stored_as_bytes(schema::tensor_type::shape):
        info.shape = read_shape(field.bytes());
        break;
      default:
        field.skip();
    }
  }
  return info;
}

std::optional<ValueInfo> read_type(std::string_view message) {
  std::optional<ValueInfo> info;
  for (Fields field(message); field.next();) {
    if (field.tag_and_type() == stored_as_bytes(schema::type::tensor_type)) {
      info = read_tensor_type(field.bytes());
    } else {
      field.skip();
    }
  }
  return info;
}

}  // namespace

ReadValueInfo read_value_info(std::string_view message) {
  ReadValueInfo read;
  for (Fields field(message); field.next();) {
    if (field.tag_and_type() == stored_as_bytes(schema::value_info::name)) {
      read.name = field.text();
    } else {
      field.keep_in(read.message);
    }
  }
  for (Fields field(read.message); field.next();) {
    if (field.tag_and_type() == stored_as_bytes(schema::value_info::type)) {
      read.info = read_type(field.bytes());
    } else {
      field.skip();
    }
  }
  return read;
}

namespace {

std::string write_dimension(const Dimension& dimension) {
  std::string message;
  protozero::pbf_writer writer(message);
  if (dimension.known()) {
    writer.add_int64(schema::dimension::dim_value, dimension.size);
  } else if (!dimension.symbol.empty()) {
    writer.add_string(schema::dimension::dim_param, dimension.symbol);
  }
  return message;
}

std::string write_shape(const std::vector<Dimension>& shape) {
  std::string message;
  protozero::pbf_writer writer(message);
  for (const Dimension& dimension : shape) writer.add_message(schema::shape::dim, write_dimension(dimension));
  return message;
}

std::string write_tensor_type(const ValueInfo& info) {
  std::string message;
  protozero::pbf_writer writer(message);
  writer.add_int32(schema::tensor_type::elem_type, static_cast<std::int32_t>(info.type));
  if (info.shape) writer.add_message(schema::tensor_type::shape, write_shape(*info.shape));
  return message;
}

}  // namespace

// Messages are made from the inside out: protozero's nested writers leave out a message that is empty, and here an empty shape (a scalar)
// is not the same as none.
std::string write_value_info(const ValueInfo& info) {
  std::string type;
  protozero::pbf_writer(type).add_message(schema::type::tensor_type, write_tensor_type(info));
  std::string message;
  protozero::pbf_writer(message).add_message(schema::value_info::type, type);
  return message;
}

}  // namespace titrate::engine
