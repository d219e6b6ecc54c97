// Builds protobuf messages field by field, so that tests can write what no sound program would.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <protozero/pbf_writer.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::engine {

class Message {
 public:
  Message& integer(std::uint32_t field, std::int64_t value) {
    return with([&](auto& writer) { writer.add_int64(field, value); });
  }
  Message& number(std::uint32_t field, float value) {
    return with([&](auto& writer) { writer.add_float(field, value); });
  }
  Message& text(std::uint32_t field, std::string_view value) {
    return with([&](auto& writer) { writer.add_bytes(field, value.data(), value.size()); });
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes); }
  Message& integers(std::uint32_t field, const std::vector<std::int64_t>& values) {
    return with([&](auto& writer) { writer.add_packed_int64(field, values.begin(), values.end()); });
  }
  Message& floats(std::uint32_t field, const std::vector<float>& values) {
    return with([&](auto& writer) { writer.add_packed_float(field, values.begin(), values.end()); });
  }
  Message& doubles(std::uint32_t field, const std::vector<double>& values) {
    return with([&](auto& writer) { writer.add_packed_double(field, values.begin(), values.end()); });
  }

  [[nodiscard]] std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes)); }

  std::string bytes;

 private:
  template <class Write>
  Message& with(Write&& write) {
    protozero::pbf_writer writer(bytes);
    write(writer);
    return *this;
  }
};

/// The numbers are those of onnx/onnx: onnx/onnx.proto.
inline Message tensor_message(std::string_view name, std::int64_t type, const std::vector<std::int64_t>& dims) {
  return Message().integers(1, dims).integer(2, type).text(8, name);
}

inline Message value_message(std::string_view name, std::int64_t type = 1, const std::vector<std::int64_t>& dims = {1}) {
  Message shape;
  for (const std::int64_t size : dims) shape.message(1, Message().integer(1, size));
  return Message().text(1, name).message(2, Message().message(1, Message().integer(1, type).message(2, shape)));
}

inline Message node_message(std::string_view type, std::initializer_list<std::string_view> inputs,
                            std::initializer_list<std::string_view> outputs, std::string_view name = {}) {
  Message node;
  for (const auto input : inputs) node.text(1, input);
  for (const auto output : outputs) node.text(2, output);
  if (!name.empty()) node.text(3, name);
  return node.text(4, type);
}

inline Message model_message(const Message& graph, std::int64_t ir_version = 8, std::int64_t opset = 17) {
  return Message().integer(1, ir_version).message(7, graph).message(8, Message().integer(2, opset));
}

/// x -> Relu -> y
inline Message small_graph() {
  return Message()
      .text(2, "small")
      .message(1, node_message("Relu", {"x"}, {"y"}, "relu"))
      .message(11, value_message("x"))
      .message(12, value_message("y"));
}

}  // namespace titrate::engine
