#include "engine/passes/raise_opset.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/drop_unread_statistics.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/raise_opset/table.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

std::vector<bool> read_values(const Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> read = uses.outputs;
  for (std::size_t index = 0; index < read.size(); ++index) {
    if (!uses.consumers[index].empty()) read[index] = true;
  }
  return read;
}

class Raiser {
 public:
  Raiser(const Model& original, int target)
      : inference_(infer_values(original, {}, OnFault::leave_unknown)),
        names_(names_of(original)),
        from_(static_cast<int>(original.opset())),
        target_(target) {}

  void raise(Graph& graph, const Graph& original) {
    rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
      raise(body, from);
      return true;
    });
    const std::vector<bool> read = read_values(original);
    raise::Surroundings surroundings{.graph = graph, .known = inference_.of(original), .read = read, .names = names_, .target = target_};
    std::vector<Node> raised;
    for (Node& node : graph.nodes) {
      raise::Site site(surroundings, node, from_);
      if (in_default_domain(node)) raise_node(site);
      std::move(site.nodes_before.begin(), site.nodes_before.end(), std::back_inserter(raised));
      raised.push_back(std::move(node));
      std::move(site.nodes_behind.begin(), site.nodes_behind.end(), std::back_inserter(raised));
    }
    graph.nodes = std::move(raised);
  }

  // All that stands in the way, at once.
  void refuse_if_stuck() const {
    if (stuck_.empty()) return;
    throw_invalid(cat("the model cannot be raised from opset ", from_, " to ", target_, ": ", join(stuck_, "; ")), {},
                  cat("export it with opset ", target_, " or later"));
  }

 private:
  void raise_node(raise::Site& site) {
    constexpr std::size_t most_named = 20;
    Node& node = site.node();
    if (stuck_.size() >= most_named) return;
    try {
      if (!raise::is_listed(node.type)) throw_invalid("what later opsets made of this operator is not known", node.described());
      for (int version = from_ + 1; version <= target_; ++version) {
        site.set_version(version);
        if (const raise::Change* change = raise::find_change(node.type, version)) change->rewrite(site);
      }
      site.trim_inputs();
    } catch (const Error& error) {
      stuck_.push_back(cat(error.where(), ": ", error.message()));
    }
  }

  Inference inference_;
  NameSource names_;
  int from_;
  int target_;
  std::vector<std::string> stuck_;
};

}  // namespace

void raise_opset(Model& model, int target) {
  const std::int64_t from = model.opset();
  if (target > most_opset) {
    throw_invalid(cat("opset ", target, " is later than ", most_opset, ", the last one that models are raised to"));
  }
  if (from >= target) return;
  if (from < least_opset) {
    throw_invalid(cat("the model is written in opset ", from, ", opsets before ", least_opset, " are not supported"), {},
                  "export it with a later opset");
  }
  Model raised = model;
  drop_unread_statistics(raised);
  const Model original = raised;
  Raiser raiser(original, target);
  raiser.raise(raised.graph, original.graph);
  raiser.refuse_if_stuck();
  raised.set_opset("", target);
  // Constants that were added need not be inputs.
  raise_ir_version(raised, std::max<std::int64_t>(4, ir_version_of_opset(target)));
  verify(raised.graph);
  model = std::move(raised);
}

std::int64_t ir_version_of_opset(int opset) {
  // The first opset of each IR version.
  constexpr std::array<std::pair<int, std::int64_t>, 10> releases = {
      {{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}, {9, 4}}};
  for (const auto& [first, version] : releases) {
    if (opset >= first) return version;
  }
  return 3;
}

void raise_ir_version(Model& model, std::int64_t version) {
  model.ir_version = std::max(model.ir_version, version);
  if (model.ir_version < 4) return;
  for (Value& value : model.graph.values) value.also_input = false;
}

}  // namespace titrate::engine
