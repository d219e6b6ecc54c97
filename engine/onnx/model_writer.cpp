#include "engine/onnx/model_writer.hpp"

#include <type_traits>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/byte_buffer.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/value_info.hpp"

namespace titrate::engine {
namespace {

using schema::Field;
using Type = schema::AttributeType;

// The order of fields is the order of the functions' lines; what was read without being understood comes last.
class ModelWriter {
 public:
  explicit ModelWriter(ExternalStore* external) : external_(external) {}

  std::vector<std::byte> write(const Model& model) {
    MessageWriter writer(buffer_);
    writer.add_int64(schema::model::ir_version, model.ir_version);
    add_text(writer, schema::model::producer_name, model.producer_name);
    add_text(writer, schema::model::producer_version, model.producer_version);
    for (const OpsetImport& import : model.opsets) {
      MessageWriter opset(writer, schema::model::opset_import);
      opset.add_string(schema::opset::domain, import.domain);
      opset.add_int64(schema::opset::version, import.version);
      append(import.extra);
    }
    write_graph(writer, schema::model::graph, model.graph);
    for (const auto& [key, value] : model.metadata) write_entry(writer, schema::model::metadata_props, key, value);
    append(model.extra);
    return std::move(buffer_);
  }

 private:
  // Fields that were read as they stand go into the message that is being written.
  void append(std::string_view fields) {
    protozero::buffer_customization<std::vector<std::byte>>::append(&buffer_, fields.data(), fields.size());
  }

  static void add_text(MessageWriter& writer, Field field, const std::string& text) {
    if (!text.empty()) writer.add_string(field, text);
  }

  static void write_entry(MessageWriter& parent, Field field, const std::string& key, const std::string& value) {
    MessageWriter entry(parent, field);
    entry.add_string(schema::entry::key, key);
    entry.add_string(schema::entry::value, value);
  }

  void write_graph(MessageWriter& parent, Field field, const Graph& graph) {
    MessageWriter writer(parent, field);
    for (const Node& node : graph.nodes) write_node(writer, graph, node);
    writer.add_string(schema::graph::name, graph.name);
    for (const Value& value : graph.values) write_initializer(writer, value);
    write_inputs(writer, graph);
    for (const ValueId id : graph.outputs) write_value_info(writer, schema::graph::output, graph[id]);
    write_inner_values(writer, graph);
    append(graph.extra);
  }

  void write_node(MessageWriter& parent, const Graph& graph, const Node& node) {
    MessageWriter writer(parent, schema::graph::node);
    for (const ValueId id : node.inputs) writer.add_string(schema::node::input, name_of_value(graph, id));
    for (const ValueId id : node.outputs) writer.add_string(schema::node::output, name_of_value(graph, id));
    add_text(writer, schema::node::name, node.name);
    writer.add_string(schema::node::op_type, node.type);
    for (const Attribute& attribute : node.attributes) write_attribute(writer, attribute);
    add_text(writer, schema::node::domain, node.domain);
    append(node.extra);
  }

  static const std::string& name_of_value(const Graph& graph, ValueId id) {
    static const std::string left_out;
    return id == ValueId::none ? left_out : graph[id].name;
  }

  // Initializers that the file listed among the inputs stand where they stood: before the first input that was made after them.
  void write_inputs(MessageWriter& writer, const Graph& graph) {
    std::vector<ValueId> listed;
    for (std::size_t index = 0; index < graph.values.size(); ++index) {
      if (graph.values[index].also_input && graph.values[index].is_initializer()) listed.push_back(static_cast<ValueId>(index));
    }
    auto next = listed.begin();
    for (const ValueId id : graph.inputs) {
      for (; next != listed.end() && *next < id; ++next) write_value_info(writer, schema::graph::input, graph[*next]);
      write_value_info(writer, schema::graph::input, graph[id]);
    }
    for (; next != listed.end(); ++next) write_value_info(writer, schema::graph::input, graph[*next]);
  }

  void write_inner_values(MessageWriter& writer, const Graph& graph) {
    std::vector<bool> written(graph.values.size(), false);
    for (const ValueId id : graph.inputs) written[static_cast<std::size_t>(id)] = true;
    for (const ValueId id : graph.outputs) written[static_cast<std::size_t>(id)] = true;
    for (std::size_t index = 0; index < graph.values.size(); ++index) {
      const Value& value = graph.values[index];
      if (written[index] || (value.also_input && value.is_initializer())) continue;
      // An initializer says itself what it is, so only a file's own words are repeated.
      if (value.value_info_message.empty() && (value.is_initializer() || !value.info)) continue;
      write_value_info(writer, schema::graph::value_info, value);
    }
  }

  void write_value_info(MessageWriter& parent, Field field, const Value& value) {
    MessageWriter writer(parent, field);
    writer.add_string(schema::value_info::name, value.name);
    if (!value.value_info_message.empty()) {
      append(value.value_info_message);
    } else if (value.info) {
      append(engine::write_value_info(*value.info));
    }
  }

  void write_initializer(MessageWriter& parent, const Value& value) {
    if (value.sparse) {
      parent.add_message(schema::graph::sparse_initializer, value.opaque_initializer);
    } else if (value.constant) {
      MessageWriter writer(parent, schema::graph::initializer);
      write_tensor(writer, *value.constant);
      writer.add_string(schema::tensor::name, value.name);
      append(value.initializer_extra);
    } else if (value.is_initializer()) {
      MessageWriter writer(parent, schema::graph::initializer);
      writer.add_string(schema::tensor::name, value.name);
      append(value.opaque_initializer);
    }
  }

  void write_tensor(MessageWriter& writer, const Tensor& tensor) {
    writer.add_packed_int64(schema::tensor::dims, tensor.shape().begin(), tensor.shape().end());
    writer.add_int32(schema::tensor::data_type, static_cast<std::int32_t>(tensor.type()));
    if (tensor.type() == DataType::string) {
      for (const std::string& text : tensor.strings()) writer.add_bytes(schema::tensor::string_data, text);
    } else if (external_ != nullptr && tensor.bytes().size() >= smallest_external_tensor) {
      write_external(writer, tensor.bytes());
    } else {
      writer.add_bytes(schema::tensor::raw_data, reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
    }
  }

  void write_external(MessageWriter& writer, std::span<const std::byte> bytes) {
    const std::uint64_t offset = external_->store(bytes);
    write_entry(writer, schema::tensor::external_data, "location", external_->location());
    write_entry(writer, schema::tensor::external_data, "offset", std::to_string(offset));
    write_entry(writer, schema::tensor::external_data, "length", std::to_string(bytes.size()));
    writer.add_enum(schema::tensor::data_location, schema::tensor::location_external);
  }

  void write_attribute(MessageWriter& parent, const Attribute& attribute) {
    MessageWriter writer(parent, schema::node::attribute);
    writer.add_string(schema::attribute::name, attribute.name);
    std::visit([&](const auto& content) { write_content(writer, attribute, content); }, attribute.content);
    append(attribute.extra);
  }

  static void add_type(MessageWriter& writer, Type type) { writer.add_enum(schema::attribute::type, static_cast<std::int32_t>(type)); }

  void write_content(MessageWriter& writer, const Attribute&, std::int64_t integer) {
    writer.add_int64(schema::attribute::i, integer);
    add_type(writer, Type::integer);
  }

  void write_content(MessageWriter& writer, const Attribute&, float number) {
    writer.add_float(schema::attribute::f, number);
    add_type(writer, Type::number);
  }

  void write_content(MessageWriter& writer, const Attribute&, const std::string& text) {
    writer.add_bytes(schema::attribute::s, text);
    add_type(writer, Type::text);
  }

  void write_content(MessageWriter& writer, const Attribute& attribute, const Tensor& tensor) {
    {
      MessageWriter message(writer, schema::attribute::t);
      write_tensor(message, tensor);
      append(attribute.tensor_extra);
    }
    add_type(writer, Type::tensor);
  }

  void write_content(MessageWriter& writer, const Attribute&, const std::shared_ptr<const Graph>& graph) {
    write_graph(writer, schema::attribute::g, *graph);
    add_type(writer, Type::graph);
  }

  // Lists of numbers are written one by one, not packed, as onnx.proto (proto2) declares them.
  void write_content(MessageWriter& writer, const Attribute&, const std::vector<std::int64_t>& integers) {
    for (const std::int64_t integer : integers) writer.add_int64(schema::attribute::ints, integer);
    add_type(writer, Type::integers);
  }

  void write_content(MessageWriter& writer, const Attribute&, const std::vector<float>& numbers) {
    for (const float number : numbers) writer.add_float(schema::attribute::floats, number);
    add_type(writer, Type::numbers);
  }

  void write_content(MessageWriter& writer, const Attribute&, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) writer.add_bytes(schema::attribute::strings, text);
    add_type(writer, Type::texts);
  }

  void write_content(MessageWriter& writer, const Attribute&, const std::vector<std::shared_ptr<const Graph>>& graphs) {
    for (const auto& graph : graphs) write_graph(writer, schema::attribute::graphs, *graph);
    add_type(writer, Type::graphs);
  }

  void write_content(MessageWriter&, const Attribute&, const OpaqueAttribute& opaque) { append(opaque.message); }

  ExternalStore* external_;
  std::vector<std::byte> buffer_;
};

std::uint64_t tensor_bytes(const Graph& graph);

std::uint64_t tensor_bytes(const Node& node) {
  std::uint64_t bytes = 0;
  for (const Attribute& attribute : node.attributes) {
    if (const auto* tensor = std::get_if<Tensor>(&attribute.content)) bytes += tensor->bytes().size();
    if (const auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) bytes += tensor_bytes(**one);
    if (const auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
      for (const auto& graph : *many) bytes += tensor_bytes(*graph);
    }
  }
  return bytes;
}

std::uint64_t tensor_bytes(const Graph& graph) {
  std::uint64_t bytes = 0;
  for (const Value& value : graph.values) {
    if (value.constant) bytes += value.constant->bytes().size();
  }
  for (const Node& node : graph.nodes) bytes += tensor_bytes(node);
  return bytes;
}

}  // namespace

std::vector<std::byte> model_message(const Model& model, ExternalStore* external) { return ModelWriter(external).write(model); }

std::uint64_t tensor_bytes(const Model& model) { return tensor_bytes(model.graph); }

}  // namespace titrate::engine
