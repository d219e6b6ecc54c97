#include "engine/quant/finetune/blocks.hpp"

#include <algorithm>

namespace titrate::engine {
namespace {

constexpr std::size_t most_layers = 16;
constexpr std::size_t layers_of_torn = 8;

// For each place between nodes how many values cross it that depend on a layer before: made before, read from there on.
std::vector<int> crossings(const Graph& graph, const std::function<bool(std::size_t)>& is_layer) {
  const Uses uses(graph);
  std::vector<bool> depends(graph.values.size(), false);
  std::vector<int> changes(graph.nodes.size() + 2, 0);
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    if (node.type == "Shape" || node.type == "Size") continue;
    const auto reads = [&](ValueId id) { return id != ValueId::none && depends[static_cast<std::size_t>(id)]; };
    if (!is_layer(index) && std::none_of(node.inputs.begin(), node.inputs.end(), reads)) continue;
    for (const ValueId id : node.outputs) {
      if (id == ValueId::none) continue;
      depends[static_cast<std::size_t>(id)] = true;
      const std::vector<int>& readers = uses.readers(id);
      if (readers.empty()) continue;
      ++changes[index + 1];
      --changes[static_cast<std::size_t>(*std::max_element(readers.begin(), readers.end())) + 1];
    }
  }
  for (std::size_t place = 1; place < changes.size(); ++place) changes[place] += changes[place - 1];
  return changes;
}

// Ends a block wherever it may after enough layers, and takes in what follows until the next layer.
class Splitter {
 public:
  Splitter(const Graph& graph, const std::function<bool(std::size_t)>& is_layer, std::size_t least_layers)
      : graph_(graph), is_layer_(is_layer), least_(least_layers), crossings_(crossings(graph, is_layer)) {}

  std::vector<Block> split() {
    for (std::size_t begin = 0; begin < graph_.nodes.size();) begin = add_segment(begin);
    return std::move(blocks_);
  }

 private:
  // From one place where a block may end to the next.
  std::size_t add_segment(std::size_t begin) {
    Block segment{.begin = begin, .end = begin, .layers = {}};
    do {
      if (is_layer_(segment.end)) segment.layers.push_back(segment.end);
      ++segment.end;
    } while (segment.end < graph_.nodes.size() && crossings_[segment.end] > 1);
    if (segment.layers.size() > most_layers) {
      tear(segment);
    } else {
      append(segment);
    }
    return segment.end;
  }

  void append(const Block& segment) {
    const bool joins = !blocks_.empty() && (blocks_.back().layers.size() < least_ || segment.layers.empty());
    if (!joins) return blocks_.push_back(segment);
    blocks_.back().end = segment.end;
    blocks_.back().layers.insert(blocks_.back().layers.end(), segment.layers.begin(), segment.layers.end());
  }

  void tear(const Block& segment) {
    for (std::size_t first = 0; first < segment.layers.size(); first += layers_of_torn) {
      const std::size_t last = std::min(first + layers_of_torn, segment.layers.size());
      Block part{.begin = first == 0 ? segment.begin : segment.layers[first], .end = segment.end, .layers = {}};
      if (last < segment.layers.size()) part.end = segment.layers[last];
      part.layers.assign(segment.layers.begin() + static_cast<std::ptrdiff_t>(first),
                         segment.layers.begin() + static_cast<std::ptrdiff_t>(last));
      blocks_.push_back(std::move(part));
    }
  }

  const Graph& graph_;
  const std::function<bool(std::size_t)>& is_layer_;
  std::size_t least_;
  std::vector<int> crossings_;
  std::vector<Block> blocks_;
};

}  // namespace

std::vector<Block> split_into_blocks(const Graph& graph, const std::function<bool(std::size_t)>& is_layer, std::size_t least_layers) {
  return Splitter(graph, is_layer, least_layers).split();
}

}  // namespace titrate::engine
