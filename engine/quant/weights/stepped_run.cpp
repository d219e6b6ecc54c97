#include "engine/quant/weights/stepped_run.hpp"

#include <algorithm>
#include <limits>
#include <unordered_set>

namespace titrate::engine {
namespace {

constexpr std::int64_t most_activation_bytes = std::int64_t{1} << 30;

// The nodes [begin, end) of a model as a model of their own.
struct Segment {
  Model model;
  std::vector<ValueId> inputs;   // ids in the whole model
  std::vector<ValueId> outputs;  // those that a node from `end` on reads
};

class SegmentCutter {
 public:
  SegmentCutter(const Model& model, const std::vector<std::int64_t>& last_reader) : model_(model), last_reader_(last_reader) {
    for (std::size_t index = 0; index < model.graph.values.size(); ++index)
      by_name_.emplace(model.graph.values[index].name, static_cast<ValueId>(index));
  }

  Segment cut(std::size_t begin, std::size_t end) {
    Segment segment{.model = model_, .inputs = {}, .outputs = {}};
    Graph& graph = segment.model.graph;
    graph.nodes.assign(model_.graph.nodes.begin() + static_cast<std::ptrdiff_t>(begin),
                       model_.graph.nodes.begin() + static_cast<std::ptrdiff_t>(end));
    for (const Node& node : graph.nodes) {
      for (const ValueId id : node.inputs) read(id, segment);
      for (const std::string& name : captured_names(node)) {
        if (const auto found = by_name_.find(name); found != by_name_.end()) read(found->second, segment);
      }
      for (const ValueId id : node.outputs) {
        if (id == ValueId::none) continue;
        known_.insert(id);
        if (last_reader_[static_cast<std::size_t>(id)] >= static_cast<std::int64_t>(end)) segment.outputs.push_back(id);
      }
    }
    graph.inputs = segment.inputs;
    graph.outputs = segment.outputs;
    remove_unused(graph);
    return segment;
  }

 private:
  void read(ValueId id, Segment& segment) {
    if (id == ValueId::none || model_.graph[id].is_initializer() || !known_.insert(id).second) return;
    segment.inputs.push_back(id);
  }

  const Model& model_;
  const std::vector<std::int64_t>& last_reader_;
  std::unordered_map<std::string, ValueId> by_name_;
  std::unordered_set<ValueId> known_;  // made in the segment, or an input of it already
};

std::vector<std::int64_t> last_readers(const Graph& graph) {
  const Uses uses(graph);
  std::vector<std::int64_t> last(graph.values.size(), -1);
  for (std::size_t index = 0; index < last.size(); ++index) {
    const std::vector<int>& readers = uses.readers(static_cast<ValueId>(index));
    if (!readers.empty()) last[index] = *std::max_element(readers.begin(), readers.end());
    if (uses.is_output(static_cast<ValueId>(index))) last[index] = std::numeric_limits<std::int64_t>::max();
  }
  return last;
}

}  // namespace

SteppedRun::SteppedRun(Model model, const CalibrationSamples& samples, std::int64_t count)
    : model_(std::move(model)), samples_(samples), last_reader_(last_readers(model_.graph)), values_(static_cast<std::size_t>(count)) {
  for (std::size_t sample = 0; sample < values_.size(); ++sample) {
    std::vector<Tensor> inputs = samples_.feed(static_cast<std::int64_t>(sample));
    for (std::size_t index = 0; index < inputs.size(); ++index) values_[sample][model_.graph.inputs[index]] = std::move(inputs[index]);
  }
}

void SteppedRun::advance_to(std::size_t node) {
  if (node <= next_) return;
  Segment segment = SegmentCutter(model_, last_reader_).cut(next_, node);
  if (!segment.outputs.empty() && !values_.empty()) {
    // Values between nodes need not have a type in the graph; here they are fed.
    Graph& graph = segment.model.graph;
    for (std::size_t index = 0; index < segment.inputs.size(); ++index) {
      auto& info = graph[graph.inputs[index]].info;
      if (!info) info = ValueInfo{.type = value(0, segment.inputs[index]).type(), .shape = std::nullopt};
    }
    const auto feed = [&](std::int64_t sample) {
      std::vector<Tensor> inputs;
      for (const ValueId id : segment.inputs) inputs.push_back(value(sample, id));
      return inputs;
    };
    std::vector<std::vector<Tensor>> made(values_.size());
    samples_.run(segment.model, std::ssize(values_), feed,
                 [&](std::int64_t sample, std::vector<Tensor> outputs) { made[static_cast<std::size_t>(sample)] = std::move(outputs); });
    for (std::size_t sample = 0; sample < made.size(); ++sample) {
      for (std::size_t index = 0; index < segment.outputs.size(); ++index)
        values_[sample][segment.outputs[index]] = std::move(made[sample][index]);
    }
  }
  next_ = node;
  std::int64_t bytes = 0;
  for (const Values& values : values_) {
    for (const auto& [id, tensor] : values) bytes += static_cast<std::int64_t>(tensor.bytes().size());
  }
  peak_bytes_ = std::max(peak_bytes_, bytes);
  forget(node);
}

void SteppedRun::forget(std::size_t end) {
  for (Values& values : values_)
    std::erase_if(values,
                  [&](const auto& each) { return last_reader_[static_cast<std::size_t>(each.first)] < static_cast<std::int64_t>(end); });
}

void SteppedRun::keep(ValueId id) {
  std::int64_t& last = last_reader_[static_cast<std::size_t>(id)];
  kept_.emplace(id, last);
  last = std::numeric_limits<std::int64_t>::max();
}

void SteppedRun::release(ValueId id) {
  last_reader_[static_cast<std::size_t>(id)] = kept_.at(id);
  kept_.erase(id);
}

void SteppedRun::replace_input(std::size_t node, std::size_t index, Tensor constant) {
  Graph& graph = model_.graph;
  const ValueId id = graph.add_constant(NameSource(graph).value(graph.nodes[node].name + "#replaced"), std::move(constant));
  graph.nodes[node].inputs[index] = id;
}

std::int64_t affordable_samples(const Model& model, const CalibrationSamples& samples, std::int64_t most) {
  SteppedRun first(model, samples, 1);
  for (std::size_t node = 0; node < model.graph.nodes.size(); ++node) {
    const std::string& type = model.graph.nodes[node].type;
    if (type == "Conv" || type == "Gemm" || type == "MatMul") first.advance_to(node);
  }
  const std::int64_t of_one = std::max<std::int64_t>(1, 2 * first.peak_bytes());
  return std::clamp(most_activation_bytes / of_one, std::int64_t{1}, std::min(samples.count, most));
}

}  // namespace titrate::engine
