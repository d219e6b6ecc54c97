#include "engine/onnx/attribute_reader.hpp"

#include <protozero/pbf_writer.hpp>
#include <set>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/graph_reader.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/tensor_reader.hpp"

namespace titrate::engine {
namespace {

using Type = schema::AttributeType;

struct AttributeFields {
  std::string name;
  std::string extra;
  Type type = Type::undefined;
  std::set<Type> present;  // the kinds whose fields are there
  bool opaque = false;     // there is content of a kind that is kept as it stands

  std::int64_t integer = 0;
  float number = 0;
  std::string text;
  std::string_view tensor;
  std::vector<std::string_view> graphs;  // one, or a list
  std::vector<std::int64_t> integers;
  std::vector<float> numbers;
  std::vector<std::string> texts;
};

// True if the field is one of those that hold content.
bool read_content(Fields& field, AttributeFields& to) {
  namespace attribute = schema::attribute;
  const auto is = [&](Type kind) { to.present.insert(kind); };
  switch (field.tag_and_type()) {
    case stored_as_32_bits(attribute::f):
      to.number = field.get_float();
      is(Type::number);
      return true;
    case stored_as_varint(attribute::i):
      to.integer = field.get_int64();
      is(Type::integer);
      return true;
    case stored_as_bytes(attribute::s):
      to.text = field.text();
      is(Type::text);
      return true;
    case stored_as_bytes(attribute::t):
      to.tensor = field.bytes();
      is(Type::tensor);
      return true;
    case stored_as_bytes(attribute::g):
      to.graphs = {field.bytes()};
      is(Type::graph);
      return true;
    case stored_as_bytes(attribute::graphs):
      to.graphs.push_back(field.bytes());
      is(Type::graphs);
      return true;
    case stored_as_bytes(attribute::ints):
      Fields::append(field.get_packed_int64(), to.integers);
      is(Type::integers);
      return true;
    case stored_as_varint(attribute::ints):
      to.integers.push_back(field.get_int64());
      is(Type::integers);
      return true;
    case stored_as_bytes(attribute::floats):
      Fields::append(field.get_packed_float(), to.numbers);
      is(Type::numbers);
      return true;
    case stored_as_32_bits(attribute::floats):
      to.numbers.push_back(field.get_float());
      is(Type::numbers);
      return true;
    case stored_as_bytes(attribute::strings):
      to.texts.push_back(field.text());
      is(Type::texts);
      return true;
    default:
      return false;
  }
}

void read_field(Fields& field, AttributeFields& to) {
  namespace attribute = schema::attribute;
  if (read_content(field, to)) return;
  switch (field.tag_and_type()) {
    case stored_as_bytes(attribute::name):
      to.name = field.text();
      return;
    case stored_as_varint(attribute::type):
      to.type = static_cast<Type>(field.get_int32());
      return;
    case stored_as_bytes(attribute::ref_attr_name):
      to.opaque = to.opaque || !field.bytes().empty();
      return;
    default:
      field.keep_in(to.extra);
  }
}

std::string without_name(std::string_view message) {
  std::string rest;
  for (Fields field(message); field.next();) {
    if (field.tag() == schema::attribute::name) {
      field.skip();
    } else {
      field.keep_in(rest);
    }
  }
  return rest;
}

void keep(std::string_view message, Source& source, Attribute& to) {
  to.content = OpaqueAttribute{without_name(message)};
  to.extra.clear();
  source.warn_of_external_data(MessageKind::attribute, message);
}

std::shared_ptr<const Graph> read_subgraph(std::string_view message, Source& source, int depth) {
  return std::make_shared<const Graph>(read_graph(message, source, depth + 1));
}

// IR 1 had no `type`: there the field that is present tells (onnx/onnx: onnx/onnx.proto, AttributeProto.type).
Type kind_of(const AttributeFields& fields) {
  if (fields.present.size() > 1) throw_invalid("the attribute has content of more than one kind");
  if (fields.type == Type::undefined) return fields.present.empty() ? Type::undefined : *fields.present.begin();
  if (!fields.present.empty() && *fields.present.begin() != fields.type) {
    throw_invalid(cat("the attribute says that it is of kind ", static_cast<std::int32_t>(fields.type), ", but its content is of kind ",
                      static_cast<std::int32_t>(*fields.present.begin())));
  }
  return fields.type;
}

void read_tensor_content(const AttributeFields& fields, std::string_view message, Source& source, Attribute& to) {
  ReadTensor read = read_tensor_message(fields.tensor, source);
  if (!read.tensor) return keep(message, source, to);
  to.content = std::move(*read.tensor);
  if (!read.name.empty()) protozero::pbf_writer(to.tensor_extra).add_string(schema::tensor::name, read.name);
  to.tensor_extra += read.extra;
}

void read_graphs_content(const AttributeFields& fields, Source& source, int depth, Attribute& to) {
  std::vector<std::shared_ptr<const Graph>> graphs;
  for (const std::string_view graph : fields.graphs) graphs.push_back(read_subgraph(graph, source, depth));
  to.content = std::move(graphs);
}

void interpret(AttributeFields& fields, std::string_view message, Source& source, int depth, Attribute& to) {
  const Type kind = kind_of(fields);
  if (fields.opaque) return keep(message, source, to);
  const bool must_be_there = kind == Type::tensor || kind == Type::graph;
  if (must_be_there && fields.present.empty()) throw_invalid("the attribute has no content");
  switch (kind) {
    case Type::integer:
      to.content = fields.integer;
      return;
    case Type::number:
      to.content = fields.number;
      return;
    case Type::text:
      to.content = std::move(fields.text);
      return;
    case Type::tensor:
      return read_tensor_content(fields, message, source, to);
    case Type::graph:
      to.content = read_subgraph(fields.graphs.front(), source, depth);
      return;
    case Type::integers:
      to.content = std::move(fields.integers);
      return;
    case Type::numbers:
      to.content = std::move(fields.numbers);
      return;
    case Type::texts:
      to.content = std::move(fields.texts);
      return;
    case Type::graphs:
      return read_graphs_content(fields, source, depth, to);
    default:
      return keep(message, source, to);
  }
}

}  // namespace

Attribute read_attribute(std::string_view message, Source& source, int depth) {
  AttributeFields fields;
  for (Fields field(message); field.next();) read_field(field, fields);
  Attribute attribute{.name = fields.name, .content = {}, .extra = fields.extra};
  if (fields.name.empty()) throw_invalid("an attribute has no name");
  inside([&] { return cat("attribute '", visible(fields.name), "'"); }, [&] { interpret(fields, message, source, depth, attribute); });
  return attribute;
}

}  // namespace titrate::engine
