// A graph while it is rewritten: new nodes go to the end and are brought into order at last; ids stay valid until finish().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/affine.hpp"

namespace titrate::engine {

class GraphRewriter {
 public:
  explicit GraphRewriter(Model model);

  [[nodiscard]] Graph& graph() { return model_.graph; }
  [[nodiscard]] const Graph& graph() const { return model_.graph; }

  /// A new node with one output of that name; returns the output. Names are made unique.
  ValueId add_node(const std::string& type, const std::string& name, std::vector<ValueId> inputs, const std::string& output,
                   std::vector<Attribute> attributes = {}, const std::string& domain = {});
  /// The same with an output value that exists already.
  void add_node_for(ValueId output, const std::string& type, const std::string& name, std::vector<ValueId> inputs,
                    std::vector<Attribute> attributes = {}, const std::string& domain = {});
  /// A new node with several new outputs.
  std::vector<ValueId> add_node_with(const std::string& type, const std::string& name, std::vector<ValueId> inputs,
                                     const std::vector<std::string>& outputs);
  ValueId add_constant(const std::string& name, Tensor tensor);
  ValueId add_value(const std::string& name);

  /// A constant that this function added before and that is equal in type, shape and content: tied weights are stored once.
  [[nodiscard]] std::optional<ValueId> equal_constant(const Tensor& tensor) const;
  ValueId add_shareable_constant(const std::string& name, Tensor tensor);

  /// The nodes that read the value and are there now read the other.
  void replace_readers(ValueId value, ValueId replacement, std::size_t nodes);

  /// The opset that the finished model needs at least.
  void require_opset(std::int64_t opset);
  void require_domain(const std::string& domain, std::int64_t version) { model_.set_opset(domain, version); }
  [[nodiscard]] std::int64_t required_opset() const { return required_opset_; }
  /// In which nodes are written now; a higher one that is required is raised to when all is done.
  [[nodiscard]] std::int64_t opset() const { return model_.opset(); }

  /// Unused nodes and values removed, nodes in order, verified.
  [[nodiscard]] Model finish();

 private:
  Model model_;
  NameSource names_;
  std::int64_t required_opset_ = 0;
  std::vector<ValueId> shareable_;
};

[[nodiscard]] inline Attribute attribute(std::string name, Attribute::Content content) {
  return {.name = std::move(name), .content = std::move(content), .extra = {}};
}

}  // namespace titrate::engine
