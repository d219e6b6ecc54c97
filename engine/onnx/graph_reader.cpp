#include "engine/onnx/graph_reader.hpp"

#include <protozero/pbf_writer.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/onnx/attribute_reader.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/tensor_reader.hpp"
#include "engine/onnx/value_info.hpp"

namespace titrate::engine {
namespace {

// The parts of a GraphProto before they are brought together: what a name means is known only after all have been seen.
struct GraphFields {
  std::string name;
  std::string extra;
  std::vector<std::string_view> nodes;
  std::vector<std::string_view> initializers;
  std::vector<std::string_view> sparse_initializers;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<std::string_view> value_infos;
};

GraphFields split_graph(std::string_view message) {
  GraphFields fields;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_bytes(schema::graph::name):
        fields.name = field.text();
        break;
      case stored_as_bytes(schema::graph::node):
        fields.nodes.push_back(field.bytes());
        break;
      case stored_as_bytes(schema::graph::initializer):
        fields.initializers.push_back(field.bytes());
        break;
      case stored_as_bytes(schema::graph::sparse_initializer):
        fields.sparse_initializers.push_back(field.bytes());
        break;
      case stored_as_bytes(schema::graph::input):
        fields.inputs.push_back(field.bytes());
        break;
      case stored_as_bytes(schema::graph::output):
        fields.outputs.push_back(field.bytes());
        break;
      case stored_as_bytes(schema::graph::value_info):
        fields.value_infos.push_back(field.bytes());
        break;
      default:
        field.keep_in(fields.extra);
    }
  }
  return fields;
}

// A sparse initializer is called as its values are.
std::string name_of_sparse(std::string_view message) {
  for (Fields field(message); field.next();) {
    if (field.tag_and_type() != stored_as_bytes(schema::sparse_tensor::values)) {
      field.skip();
      continue;
    }
    for (Fields values(field.bytes()); values.next();) {
      if (values.tag_and_type() == stored_as_bytes(schema::tensor::name)) return values.text();
      values.skip();
    }
  }
  return {};
}

class GraphReader {
 public:
  GraphReader(Source& source, int depth) : source_(source), depth_(depth) {}

  Graph read(std::string_view message) {
    GraphFields fields = split_graph(message);
    graph_.name = std::move(fields.name);
    graph_.extra = std::move(fields.extra);
    graph_.nodes.reserve(fields.nodes.size());
    for (const std::string_view input : fields.inputs) read_input(input);
    for (const std::string_view tensor : fields.initializers) read_initializer(tensor);
    for (const std::string_view tensor : fields.sparse_initializers) read_sparse_initializer(tensor);
    std::erase_if(graph_.inputs, [&](ValueId id) { return graph_[id].also_input; });
    for (const std::string_view output : fields.outputs) read_output(output);
    for (const std::string_view info : fields.value_infos) read_info(info);
    for (const std::string_view node : fields.nodes) read_node(node);
    resolve();
    warn_about_names();
    name_nodes(graph_);
    if (sort_nodes(graph_)) source_.warnings.push_back(cat("the nodes of ", described(), " were not in order; they have been sorted"));
    return std::move(graph_);
  }

 private:
  enum class Definition : std::uint8_t { none, input, initializer, node };

  std::string described() const { return depth_ == 0 ? "the graph" : cat("the sub-graph '", visible(graph_.name), "'"); }

  // The value of that name, which is made if it is new.
  ValueId value(const std::string& name) {
    const auto [found, is_new] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
    if (is_new) {
      graph_.add_value(name);
      definitions_.push_back(Definition::none);
    }
    return found->second;
  }

  Definition& definition(ValueId id) { return definitions_[static_cast<std::size_t>(id)]; }

  ValueId define(const std::string& name, Definition how, std::string_view what) {
    if (name.empty()) throw_invalid(cat(what, " of ", described(), " has no name"));
    const ValueId id = value(name);
    if (definition(id) != Definition::none) {
      throw_invalid(cat("the value '", visible(name), "' is defined twice, the second time as ", what), {},
                    "each name may have one source: repair the program that wrote the model");
    }
    definition(id) = how;
    return id;
  }

  void describe(ValueId id, ReadValueInfo& read) {
    graph_[id].info = std::move(read.info);
    graph_[id].value_info_message = std::move(read.message);
  }

  void read_input(std::string_view message) {
    ReadValueInfo read = read_value_info(message);
    const ValueId id = define(read.name, Definition::input, "an input");
    describe(id, read);
    graph_.inputs.push_back(id);
  }

  ValueId define_initializer(const std::string& name) {
    const ValueId id = value(name);
    // Up to IR 3 initializers had to be among the inputs; later they may be.
    if (definition(id) == Definition::input) {
      graph_[id].also_input = true;
      definition(id) = Definition::none;
    }
    return define(name, Definition::initializer, "an initializer");
  }

  void read_initializer(std::string_view message) {
    ReadTensor read = read_tensor_message(message, source_);
    Value& made = graph_[define_initializer(read.name)];
    made.initializer_extra = std::move(read.extra);
    made.opaque_initializer = std::move(read.opaque);
    if (read.tensor) made.constant = std::make_shared<const Tensor>(std::move(*read.tensor));
  }

  void read_sparse_initializer(std::string_view message) {
    Value& made = graph_[define_initializer(name_of_sparse(message))];
    made.opaque_initializer = message;
    made.sparse = true;
    source_.warn_of_external_data(MessageKind::sparse_tensor, message);
  }

  void read_output(std::string_view message) {
    ReadValueInfo read = read_value_info(message);
    if (read.name.empty()) throw_invalid(cat("an output of ", described(), " has no name"));
    const ValueId id = value(read.name);
    if (graph_[id].value_info_message.empty()) describe(id, read);
    graph_.outputs.push_back(id);
  }

  void read_info(std::string_view message) {
    ReadValueInfo read = read_value_info(message);
    if (read.name.empty()) return keep_info(message);
    const ValueId id = value(read.name);
    if (graph_[id].value_info_message.empty()) return describe(id, read);
    // Inputs and outputs may say it already; only other words are kept.
    if (graph_[id].value_info_message != read.message) keep_info(message);
  }

  void keep_info(std::string_view message) {
    protozero::pbf_writer(graph_.extra).add_message(schema::graph::value_info, message.data(), message.size());
  }

  void read_node(std::string_view message) {
    Node node;
    const std::size_t number = graph_.nodes.size();
    inside([&] { return node.type.empty() ? cat("node number ", number) : node.described(); },
           [&] {
             for (Fields field(message); field.next();) read_node_field(field, node);
             if (node.type.empty()) throw_invalid("a node has no operator type");
             check_attributes(node);
           });
    graph_.nodes.push_back(std::move(node));
  }

  void read_node_field(Fields& field, Node& node) {
    switch (field.tag_and_type()) {
      case stored_as_bytes(schema::node::input): {
        const std::string name = field.text();
        node.inputs.push_back(name.empty() ? ValueId::none : value(name));
        return;
      }
      case stored_as_bytes(schema::node::output): {
        const std::string name = field.text();
        node.outputs.push_back(name.empty() ? ValueId::none : define(name, Definition::node, "an output of a node"));
        return;
      }
      case stored_as_bytes(schema::node::name):
        node.name = field.text();
        return;
      case stored_as_bytes(schema::node::op_type):
        node.type = field.text();
        return;
      case stored_as_bytes(schema::node::domain):
        node.domain = field.text();
        if (node.domain == "ai.onnx") node.domain.clear();  // the same domain by its long name
        return;
      case stored_as_bytes(schema::node::attribute):
        node.attributes.push_back(read_attribute(field.bytes(), source_, depth_));
        return;
      default:
        field.keep_in(node.extra);
    }
  }

  static void check_attributes(const Node& node) {
    std::unordered_set<std::string_view> names;
    for (const Attribute& attribute : node.attributes) {
      if (!names.insert(attribute.name).second) throw_invalid(cat("the attribute '", visible(attribute.name), "' is given twice"));
    }
  }

  // What nobody here defines comes from the graph around, or from nowhere.
  void require(ValueId id, const std::string& reader) {
    if (id == ValueId::none || definition(id) != Definition::none) return;
    if (depth_ == 0) {
      throw_invalid(cat("the value '", visible(graph_[id].name), "' is read, but nothing makes it"), reader,
                    "the model is incomplete: an input, an initializer or a node is missing");
    }
    if (outer_.insert(id).second) graph_.outer.push_back(id);
  }

  void resolve() {
    for (const Node& node : graph_.nodes) {
      const std::string reader = depth_ == 0 ? node.described() : std::string();
      for (const ValueId id : node.inputs) require(id, reader);
      for (const std::string& name : captured_names(node)) require(value(name), reader);
    }
    for (const ValueId id : graph_.outputs) require(id, "an output of the graph");
  }

  void warn_about_names() {
    std::unordered_set<std::string_view> seen;
    std::size_t repeated = 0;
    std::string first;
    for (const Node& node : graph_.nodes) {
      if (node.name.empty() || seen.insert(node.name).second) continue;
      if (++repeated == 1) first = node.name;
    }
    if (repeated == 0) return;
    source_.warnings.push_back(cat(repeated, " node", repeated == 1 ? "" : "s", " of ", described(),
                                   " had the name of another node, such as '", visible(first), "'; \"_2\", \"_3\" ... was added"));
  }

  Source& source_;
  int depth_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<Definition> definitions_;  // one for each value
  std::unordered_set<ValueId> outer_;
};

}  // namespace

Graph read_graph(std::string_view message, Source& source, int depth) {
  if (depth > deepest_subgraph) {
    throw_invalid(cat("sub-graphs are nested more than ", deepest_subgraph, " deep"), {},
                  "no sound model does that: check where the file comes from");
  }
  return GraphReader(source, depth).read(message);
}

}  // namespace titrate::engine
