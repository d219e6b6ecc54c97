#include "engine/onnx/external_locations.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/onnx/fields.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/source.hpp"

namespace titrate::engine {
namespace {

struct Child {
  MessageKind parent;
  schema::Field field;
  MessageKind kind;
};

// The ways from a model to its tensors.
constexpr std::array children = {
    Child{MessageKind::model, schema::model::graph, MessageKind::graph},
    Child{MessageKind::model, schema::model::functions, MessageKind::function},
    Child{MessageKind::function, schema::function::node, MessageKind::node},
    Child{MessageKind::graph, schema::graph::node, MessageKind::node},
    Child{MessageKind::graph, schema::graph::initializer, MessageKind::tensor},
    Child{MessageKind::graph, schema::graph::sparse_initializer, MessageKind::sparse_tensor},
    Child{MessageKind::node, schema::node::attribute, MessageKind::attribute},
    Child{MessageKind::attribute, schema::attribute::t, MessageKind::tensor},
    Child{MessageKind::attribute, schema::attribute::tensors, MessageKind::tensor},
    Child{MessageKind::attribute, schema::attribute::g, MessageKind::graph},
    Child{MessageKind::attribute, schema::attribute::graphs, MessageKind::graph},
    Child{MessageKind::attribute, schema::attribute::sparse_tensor, MessageKind::sparse_tensor},
    Child{MessageKind::attribute, schema::attribute::sparse_tensors, MessageKind::sparse_tensor},
    Child{MessageKind::sparse_tensor, schema::sparse_tensor::values, MessageKind::tensor},
    Child{MessageKind::sparse_tensor, schema::sparse_tensor::indices, MessageKind::tensor},
};

std::optional<MessageKind> child_of(MessageKind parent, std::uint32_t tag_and_type) {
  const auto found = std::find_if(children.begin(), children.end(), [&](const Child& child) {
    return child.parent == parent && stored_as_bytes(child.field) == tag_and_type;
  });
  if (found == children.end()) return std::nullopt;
  return found->kind;
}

void collect_from_tensor(std::string_view message, std::set<std::string>& locations) {
  bool external = false;
  std::vector<std::string_view> entries;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_bytes(schema::tensor::external_data):
        entries.push_back(field.bytes());
        break;
      case stored_as_varint(schema::tensor::data_location):
        external = field.get_int32() == schema::tensor::location_external;
        break;
      default:
        field.skip();
    }
  }
  if (!external) return;
  const ExternalRange range = read_external_range(entries, nullptr);
  locations.insert(range.location);
}

void collect(MessageKind kind, std::string_view message, int depth, std::set<std::string>& locations) {
  // A sub-graph takes three levels: graph, node, attribute.
  if (depth > 3 * (deepest_subgraph + 2)) throw_invalid("sub-graphs are nested too deep");
  if (kind == MessageKind::tensor) return collect_from_tensor(message, locations);
  for (Fields field(message); field.next();) {
    if (const auto child = child_of(kind, field.tag_and_type())) {
      collect(*child, field.bytes(), depth + 1, locations);
    } else {
      field.skip();
    }
  }
}

}  // namespace

std::set<std::string> external_locations(MessageKind kind, std::string_view message) {
  std::set<std::string> locations;
  collect(kind, message, 0, locations);
  return locations;
}

}  // namespace titrate::engine
