#include "engine/run/executor.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/ops/shape_inference.hpp"
#include "engine/ops/step_threads.hpp"
#include "engine/ops/words.hpp"
#include "engine/run/buffer_pool.hpp"
#include "engine/run/plan_parts.hpp"

namespace titrate::engine {
namespace {

// Where a part of a joined value may begin. No kernel asks for aligned memory; but a register that lies across two lines of the cache takes
// two reads. A block of 8 channels (ops/channel_blocks.hpp) of an odd number of pixels ends after half a line, as a register does.
constexpr std::size_t joined_alignment = 32;

// The outputs' types of a step for the input shapes of its last run.
struct Inferred {
  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);
  std::vector<Shape> input_shapes;
  std::vector<OutputType> outputs;
  std::vector<std::size_t> bytes;  // of each output that is complete, else unknown
};

void check_input(const Value& value, const Tensor& fed, std::unordered_map<std::string, std::int64_t>& symbols) {
  const std::string where = cat("input '", visible(value.name), "'");
  if (!fed.exists()) throw_invalid("nothing is fed", where);
  if (!value.info) return;
  if (value.info->type != DataType::undefined && fed.type() != value.info->type) {
    throw_invalid(cat("the model takes ", name_of(value.info->type), ", but ", name_of(fed.type()), " is fed"), where);
  }
  if (!value.info->shape) return;
  const std::vector<Dimension>& dimensions = *value.info->shape;
  const auto wrong = [&] {
    Shape sizes;
    for (const Dimension& dimension : dimensions) sizes.push_back(dimension.size);
    throw_invalid(cat("the model takes the shape ", to_text(sizes), ", but ", to_text(fed.shape()), " is fed"), where);
  };
  if (dimensions.size() != fed.shape().size()) wrong();
  for (std::size_t axis = 0; axis < dimensions.size(); ++axis) {
    const std::int64_t size = fed.shape()[axis];
    if (dimensions[axis].known() && dimensions[axis].size != size) wrong();
    if (dimensions[axis].symbol.empty()) continue;
    const auto [known, fresh] = symbols.emplace(dimensions[axis].symbol, size);
    if (!fresh && known->second != size) {
      throw_invalid(cat("the size '", visible(dimensions[axis].symbol), "' is ", known->second, " in one input and ", size, " here"),
                    where);
    }
  }
}

}  // namespace

struct Executor::State {
  std::shared_ptr<const Plan> plan;
  BufferPool pool;
  Scratch scratch;
  std::vector<Tensor> values;  // by value id: what this run has computed and still needs
  std::vector<Inferred> inferred;
  // Of the step that runs; kept so that a run allocates less.
  std::vector<const Tensor*> inputs;
  std::vector<Tensor> outputs;
  std::vector<std::shared_ptr<std::byte>> joined;  // by step that joins values: its output, begun by those who compute them

  explicit State(std::shared_ptr<const Plan> prepared)
      : plan(std::move(prepared)),
        values(plan->graph().values.size()),
        inferred(plan->parts().steps.size()),
        joined(plan->parts().steps.size()) {}

  [[nodiscard]] const Tensor& value(ValueId id) const {
    const auto index = static_cast<std::size_t>(id);
    return values[index].exists() ? values[index] : plan->parts().constants[index];
  }

  void feed(std::span<const Tensor> fed) {
    const Graph& graph = plan->graph();
    if (fed.size() != graph.inputs.size())
      throw_invalid(cat("the model takes ", graph.inputs.size(), " inputs, but ", fed.size(), " are fed"));
    std::unordered_map<std::string, std::int64_t> symbols;
    for (std::size_t index = 0; index < fed.size(); ++index) {
      check_input(graph[graph.inputs[index]], fed[index], symbols);
      values[static_cast<std::size_t>(graph.inputs[index])] = fed[index];
    }
  }

  const Inferred& infer(std::size_t index, const PlannedStep& planned, const Node& node) {
    Inferred& cached = inferred[index];
    bool same = cached.input_shapes.size() == inputs.size() && !cached.outputs.empty();
    for (std::size_t input = 0; same && input < inputs.size(); ++input) {
      const bool decides = (planned.row->shape_inputs >> input & 1U) != 0;
      const bool computed = inputs[input] != nullptr && values[static_cast<std::size_t>(node.inputs[input])].exists();
      same = inputs[input] == nullptr || (inputs[input]->shape() == cached.input_shapes[input] && !(decides && computed));
    }
    if (same) return cached;
    joined[index] = nullptr;  // what was begun has other places
    const std::vector<Operand> operands = operands_of(node, [&](ValueId id) {
      const Tensor& tensor = value(id);
      return Operand{.present = true, .type = tensor.type(), .shape = tensor.shape(), .value = &tensor};
    });
    cached.outputs = infer_outputs(*planned.row, {.node = node, .opset = planned.opset, .inputs = operands});
    cached.input_shapes.clear();
    for (const Tensor* input : inputs) cached.input_shapes.push_back(input == nullptr ? Shape{} : input->shape());
    cached.bytes.clear();
    for (const OutputType& type : cached.outputs) {
      const bool has_bytes = type.complete() && type.type != DataType::string;
      cached.bytes.push_back(has_bytes ? bytes_of(type.type, element_count(*type.shape)) : Inferred::unknown);
    }
    return cached;
  }

  // For an output of a step, if its sizes are known. Strings have no bytes of a fixed width: they do not come from the pool.
  Tensor room_for(std::size_t index, ValueId id, const OutputType& type, std::size_t bytes) {
    if (bytes == Inferred::unknown) return type.complete() ? ops::room_for(type.type, *type.shape) : Tensor{};
    std::shared_ptr<std::byte> memory = std::exchange(joined[index], nullptr);
    if (memory == nullptr && id != ValueId::none) memory = place_for(id, type);
    if (memory == nullptr) memory = pool.allocate(bytes);
    return Tensor::over(type.type, *type.shape, std::move(memory), bytes);
  }

  // A part of what a later step joins, if the run before tells where: with other sizes this time it is copied there.
  std::shared_ptr<std::byte> place_for(ValueId id, const OutputType& type) {
    const JoinedPlace place = plan->parts().places[static_cast<std::size_t>(id)];
    if (place.step == JoinedPlace::nowhere || inferred[place.step].outputs.empty()) return nullptr;
    const Inferred& expected = inferred[place.step];
    const OutputType& whole = expected.outputs[0];
    if (!whole.complete() || whole.type != type.type || expected.input_shapes[place.input] != *type.shape) return nullptr;
    const Node& node = plan->graph().nodes[plan->parts().steps[place.step].node];
    const auto axis = ops::step_axis(node.integer("axis", 1), static_cast<std::int64_t>(whole.shape->size()));
    if (element_count(std::span(*whole.shape).first(axis)) != 1) return nullptr;
    std::size_t first = 0;
    for (std::size_t input = 0; input < place.input; ++input) first += bytes_of(type.type, element_count(expected.input_shapes[input]));
    if (first % joined_alignment != 0) return nullptr;
    std::shared_ptr<std::byte>& begun = joined[place.step];
    if (begun == nullptr) begun = place_for(node.outputs[0], whole);
    if (begun == nullptr) begun = pool.allocate(bytes_of(whole.type, element_count(*whole.shape)));
    return {begun, begun.get() + first};
  }

  void run_step(std::size_t index, const PlannedStep& planned, const Observer& observer) {
    const Node& node = plan->graph().nodes[planned.node];
    inputs.clear();
    for (const ValueId id : node.inputs) inputs.push_back(id == ValueId::none ? nullptr : &value(id));
    const Inferred& found = infer(index, planned, node);
    outputs.clear();
    outputs.resize(node.outputs.size());
    if (planned.row->aliases_input && found.outputs[0].has_sizes()) {
      outputs[0] = inputs[0]->reshaped(*found.outputs[0].shape);
    } else {
      for (std::size_t output = 0; output < outputs.size(); ++output)
        outputs[output] = room_for(index, node.outputs[output], found.outputs[output], found.bytes[output]);
      const auto threads = ops::threads_for(inputs, outputs);
      RunContext context{.inputs = inputs, .outputs = outputs, .scratch = scratch};
      planned.step(context);
    }
    for (std::size_t output = 0; output < outputs.size(); ++output) {
      if (!node.has_output(output)) continue;
      if (observer) observer(node.outputs[output], outputs[output]);
      values[static_cast<std::size_t>(node.outputs[output])] = std::move(outputs[output]);
    }
    for (const ValueId id : planned.release) values[static_cast<std::size_t>(id)] = {};
  }
};

Executor::Executor(std::shared_ptr<const Plan> plan) : state_(std::make_unique<State>(std::move(plan))) {}
Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;

std::vector<Tensor> Executor::run(std::span<const Tensor> inputs, const Observer& observer, const Timer& timer) {
  State& state = *state_;
  const Graph& graph = state.plan->graph();
  std::fill(state.values.begin(), state.values.end(), Tensor{});
  std::fill(state.joined.begin(), state.joined.end(), nullptr);
  state.feed(inputs);
  const std::vector<PlannedStep>& steps = state.plan->parts().steps;
  for (std::size_t index = 0; index < steps.size(); ++index) {
    try {
      const Clock::time_point begin = timer ? Clock::now() : Clock::time_point{};
      state.run_step(index, steps[index], observer);
      if (timer) timer(steps[index].node, begin, Clock::now());
    } catch (Error& error) {
      const std::string where = graph.nodes[steps[index].node].described();
      if (error.where().find(where) == std::string::npos) error.in(where);
      throw;
    }
  }
  std::vector<Tensor> outputs;
  for (const ValueId id : graph.outputs) outputs.push_back(state.value(id));
  std::fill(state.values.begin(), state.values.end(), Tensor{});
  return outputs;
}

}  // namespace titrate::engine
