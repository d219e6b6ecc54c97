#include "engine/onnx/tensor_reader.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <tuple>
#include <vector>

#include "engine/base/text.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/tensor_elements.hpp"

namespace titrate::engine {

static_assert(std::endian::native == std::endian::little, "ONNX stores raw data in little-endian order, and so do Tensors");

namespace {

// No operator of ONNX deals with more; a Tensor's shape must stay cheap to copy.
constexpr std::size_t highest_rank = 16;

struct TensorFields {
  ReadTensor result;
  DataType type = DataType::undefined;
  Shape shape;
  std::optional<std::string_view> raw;
  StoredElements typed;
  std::int32_t location = schema::tensor::location_default;
  std::vector<std::string_view> external;  // StringStringEntryProto
};

void read_field(Fields& field, TensorFields& to) {
  namespace tensor = schema::tensor;
  switch (field.tag_and_type()) {
    case stored_as_bytes(tensor::dims):
      return Fields::append(field.get_packed_int64(), to.shape);
    case stored_as_varint(tensor::dims):
      return to.shape.push_back(field.get_int64());
    case stored_as_varint(tensor::data_type):
      to.type = static_cast<DataType>(field.get_int32());
      return;
    case stored_as_bytes(tensor::name):
      to.result.name = field.text();
      return;
    case stored_as_bytes(tensor::raw_data):
      to.raw = field.bytes();
      return;
    case stored_as_bytes(tensor::float_data):
      return Fields::append(field.get_packed_float(), to.typed.floats);
    case stored_as_32_bits(tensor::float_data):
      return to.typed.floats.push_back(field.get_float());
    case stored_as_bytes(tensor::double_data):
      return Fields::append(field.get_packed_double(), to.typed.doubles);
    case stored_as_64_bits(tensor::double_data):
      return to.typed.doubles.push_back(field.get_double());
    case stored_as_bytes(tensor::int32_data):
      return Fields::append(field.get_packed_int32(), to.typed.int32s);
    case stored_as_varint(tensor::int32_data):
      return to.typed.int32s.push_back(field.get_int32());
    case stored_as_bytes(tensor::int64_data):
      return Fields::append(field.get_packed_int64(), to.typed.int64s);
    case stored_as_varint(tensor::int64_data):
      return to.typed.int64s.push_back(field.get_int64());
    case stored_as_bytes(tensor::uint64_data):
      return Fields::append(field.get_packed_uint64(), to.typed.uint64s);
    case stored_as_varint(tensor::uint64_data):
      return to.typed.uint64s.push_back(field.get_uint64());
    case stored_as_bytes(tensor::string_data):
      return to.typed.strings.push_back(field.text());
    case stored_as_bytes(tensor::external_data):
      return to.external.push_back(field.bytes());
    case stored_as_varint(tensor::data_location):
      to.location = field.get_int32();
      return;
    case stored_as_bytes(tensor::segment):
      throw_invalid("the tensor is stored in segments, which nobody reads", {}, "export the model with whole tensors");
    default:
      field.keep_in(to.result.extra);
  }
}

// float32 elements at an odd address may not be read in place.
bool aligned_for(DataType type, const std::byte* data) {
  const std::size_t size = std::clamp<std::size_t>(static_cast<std::size_t>(bits_of(type)) / 8, 1, 8);
  return reinterpret_cast<std::uintptr_t>(data) % size == 0;
}

// A byte that is neither 0 nor 1 is no bool of C++.
bool all_bools(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte <= std::byte{1}; });
}

Tensor from_bytes(const TensorFields& fields, std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner) {
  const Tensor view = Tensor::view(fields.type, fields.shape, bytes, owner);
  const bool bools = fields.type != DataType::boolean || all_bools(bytes);
  if (owner && bools && aligned_for(fields.type, bytes.data())) return view;
  Tensor copy = Tensor::uninitialized(fields.type, fields.shape);
  if (!bytes.empty()) std::memcpy(copy.mutable_bytes().data(), bytes.data(), bytes.size());
  if (!bools) {
    for (std::byte& byte : copy.mutable_bytes()) byte = byte == std::byte{0} ? std::byte{0} : std::byte{1};
  }
  return copy;
}

Tensor read_external(const TensorFields& fields, Source& source) {
  if (fields.type == DataType::string) throw_invalid("strings cannot lie in external data");
  const auto expected = bytes_of(fields.type, element_count(fields.shape));
  const auto [bytes, owner] = source.external.read(read_external_range(fields.external, &source.warnings), expected);
  return from_bytes(fields, bytes, owner);
}

Tensor read_elements(const TensorFields& fields, Source& source) {
  const bool raw = fields.raw && !fields.raw->empty();
  const bool typed = !fields.typed.empty();
  const bool external = fields.location == schema::tensor::location_external;
  if (int{raw} + int{typed} + int{external} > 1) {
    throw_invalid("the elements are stored twice, in more than one of raw_data, typed data and external data");
  }
  if (external) return read_external(fields, source);
  if (raw || (fields.raw && !typed)) {
    if (fields.type == DataType::string) throw_invalid("strings are stored as raw_data, which has no form for them");
    return from_bytes(fields, std::as_bytes(std::span(*fields.raw)), source.owner);
  }
  return tensor_of(fields.type, fields.shape, fields.typed);
}

// The message without its name; elements in an external file move into the message, since a copy of it may be written elsewhere.
std::string opaque_message(std::string_view message, const TensorFields& fields, Source& source) {
  namespace tensor = schema::tensor;
  std::string opaque;
  const bool external = fields.location == tensor::location_external;
  for (Fields field(message); field.next();) {
    const bool dropped =
        field.tag() == tensor::name || (external && (field.tag() == tensor::external_data || field.tag() == tensor::data_location));
    if (dropped) {
      field.skip();
    } else {
      field.keep_in(opaque);
    }
  }
  if (external) {
    const auto stored = source.external.read(read_external_range(fields.external, &source.warnings), std::nullopt);
    protozero::pbf_writer(opaque).add_bytes(tensor::raw_data, reinterpret_cast<const char*>(stored.bytes.data()), stored.bytes.size());
  }
  return opaque;
}

}  // namespace

ReadTensor read_tensor_message(std::string_view message, Source& source) {
  TensorFields fields;
  for (Fields field(message); field.next();) read_field(field, fields);
  return inside([&] { return cat("tensor '", visible(fields.result.name), "'"); },
                [&] {
                  if (fields.shape.size() > highest_rank) {
                    throw_invalid(cat("the tensor has ", fields.shape.size(), " dimensions; the most that make sense are ", highest_rank));
                  }
                  if (fields.location != schema::tensor::location_default && fields.location != schema::tensor::location_external) {
                    throw_invalid(cat("the tensor lies in a place of unknown kind, data_location ", fields.location));
                  }
                  std::ignore = element_count(fields.shape);
                  if (bits_of(fields.type) == 0 && fields.type != DataType::string) {
                    fields.result.opaque = opaque_message(message, fields, source);
                    fields.result.extra.clear();
                  } else {
                    fields.result.tensor = read_elements(fields, source);
                  }
                  return std::move(fields.result);
                });
}

}  // namespace titrate::engine
