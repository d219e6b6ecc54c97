// What an operator is: how it shapes its outputs, and how it is prepared once and then only run. One row of the table (table.hpp) each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// What is known of an input before it is computed. The same struct serves static inference (sizes may be -1, the value unknown) and
/// the executor, which calls infer() again with everything known whenever the shapes of a run differ from those before.
struct Operand {
  bool present = false;                 ///< false: an optional input that is left out
  DataType type = DataType::undefined;  ///< undefined: unknown
  std::optional<Shape> shape;           ///< none: unknown rank; -1: unknown size
  const Tensor* value = nullptr;        ///< its elements, where they are known now
};

/// What an operator says of an output. A shape with -1, or none: known only after the run (NonZero), then run() makes the output itself.
struct OutputType {
  DataType type = DataType::undefined;
  std::optional<Shape> shape;
  /// All sizes are known.
  [[nodiscard]] bool has_sizes() const;
  /// Type and sizes are known: room for it can be made before the run.
  [[nodiscard]] bool complete() const;
};

struct InferRequest {
  const Node& node;
  std::int64_t opset;  ///< of the node's domain
  std::span<const Operand> inputs;

  [[nodiscard]] bool has(std::size_t index) const { return index < inputs.size() && inputs[index].present; }
  /// The input, which must be there: throws Error(invalid) naming node and index.
  [[nodiscard]] const Operand& need(std::size_t index) const;
  /// Its rank and sizes, or null while unknown.
  [[nodiscard]] const Shape* shape(std::size_t index) const { return has(index) && inputs[index].shape ? &*inputs[index].shape : nullptr; }
  [[nodiscard]] DataType type(std::size_t index) const { return has(index) ? inputs[index].type : DataType::undefined; }
  /// The elements of an integer input (axes, shape, pads), or nothing while unknown.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::size_t index) const;
  /// `axis` brought into [0, rank): throws Error(invalid) if it is outside [-rank, rank).
  [[nodiscard]] std::size_t axis(std::int64_t axis, std::size_t rank) const;
  [[noreturn]] void refuse(const std::string& what) const;  ///< throws Error(invalid) naming the node
};

/// Memory that a step may use while it runs: one for each thread that runs a plan, kept between runs.
class Scratch {
 public:
  /// At least `count` floats, 64-byte aligned, contents undefined; valid until the next call with the same slot.
  [[nodiscard]] std::span<float> floats(std::size_t count, std::size_t slot = 0);

 private:
  std::vector<Tensor> slots_;
};

/// One execution of a node. Inputs that are left out are null. Outputs come allocated where infer() gave a complete type; a step whose
/// outputs are known only afterwards assigns them itself. Outputs that nobody wants may still be written.
struct RunContext {
  std::span<const Tensor* const> inputs;
  std::span<Tensor> outputs;
  Scratch& scratch;

  [[nodiscard]] bool has(std::size_t index) const { return index < inputs.size() && inputs[index] != nullptr; }
  [[nodiscard]] const Tensor& in(std::size_t index) const { return *inputs[index]; }
  [[nodiscard]] Tensor& out(std::size_t index = 0) const { return outputs[index]; }
};

/// A prepared node. Called by several threads at once with contexts of their own: it must not change what it captured.
using Step = std::function<void(RunContext&)>;

struct PrepareRequest {
  const Node& node;
  std::int64_t opset;
  /// For each input its type, what is known of its shape, and its value if it is a constant: weights are packed here, once.
  std::span<const Operand> inputs;

  [[nodiscard]] bool has(std::size_t index) const { return index < inputs.size() && inputs[index].present; }
  [[nodiscard]] const Tensor* constant(std::size_t index) const { return has(index) ? inputs[index].value : nullptr; }
  [[nodiscard]] DataType type(std::size_t index) const { return has(index) ? inputs[index].type : DataType::undefined; }
  [[nodiscard]] std::size_t outputs() const { return node.outputs.size(); }
  [[noreturn]] void refuse(const std::string& what) const;  ///< throws Error(invalid) naming the node
};

struct OperatorDefinition {
  std::string_view type;         ///< ONNX's op_type
  std::string_view domain = {};  ///< "" is ai.onnx
  int first_opset = 1;           ///< the opsets for which this row's meaning holds
  int last_opset = 1000;
  int least_inputs = 1;
  int most_inputs = 1;  ///< -1: any number
  /// The outputs' types, one for each output of the node. Checks attributes and shapes as far as they are known; throws Error(invalid).
  std::vector<OutputType> (*infer)(const InferRequest&) = nullptr;
  Step (*prepare)(const PrepareRequest&) = nullptr;
  /// The first output has the bytes of the first input under another shape: the executor shares them and does not run the step.
  bool aliases_input = false;
  /// The output is the bytes of all inputs one after another, where attribute 'axis' (1 if it is missing) has only sizes of 1 before it:
  /// inputs may be computed in their places, and the step leaves alone what is there already.
  bool joins_inputs = false;
  /// Inputs whose elements, not only shapes, decide the outputs' shapes (bit i = input i): Reshape's second, Slice's starts ...
  unsigned shape_inputs = 0;
  /// Random or stateful: never folded.
  bool deterministic = true;
};

/// The row for a node, or null if no row serves its type, domain and opset.
[[nodiscard]] const OperatorDefinition* find_operator(std::string_view type, std::string_view domain, std::int64_t opset);
[[nodiscard]] std::span<const OperatorDefinition> operators();

/// infer() of the row, with the number of inputs checked and the node named in what it throws.
[[nodiscard]] std::vector<OutputType> infer_outputs(const OperatorDefinition& row, const InferRequest& request);

/// "Upsample (opset 9)" for every node, sub-graphs included, that no row serves: all at once, each once, sorted.
[[nodiscard]] std::vector<std::string> unsupported_operators(const Model& model);

}  // namespace titrate::engine
