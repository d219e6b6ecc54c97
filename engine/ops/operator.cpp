#include "engine/ops/operator.hpp"

#include <algorithm>
#include <set>

#include "engine/ops/table.hpp"

namespace titrate::engine {

bool OutputType::has_sizes() const {
  return shape && std::all_of(shape->begin(), shape->end(), [](std::int64_t size) { return size >= 0; });
}

bool OutputType::complete() const { return type != DataType::undefined && has_sizes(); }

const Operand& InferRequest::need(std::size_t index) const {
  if (!has(index)) refuse(cat("input ", index, " is missing"));
  return inputs[index];
}

std::optional<std::vector<std::int64_t>> InferRequest::integers(std::size_t index) const {
  if (!has(index) || inputs[index].value == nullptr) return std::nullopt;
  return to_integers(*inputs[index].value);
}

std::size_t InferRequest::axis(std::int64_t axis, std::size_t rank) const {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) refuse(cat("axis ", axis, " is outside the rank ", rank));
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

void InferRequest::refuse(const std::string& what) const { throw_invalid(what, node.described()); }
void PrepareRequest::refuse(const std::string& what) const { throw_invalid(what, node.described()); }

std::span<float> Scratch::floats(std::size_t count, std::size_t slot) {
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  Tensor& memory = slots_[slot];
  if (!memory.exists() || memory.elements() < static_cast<std::int64_t>(count)) {
    memory = Tensor::uninitialized(DataType::float32, {static_cast<std::int64_t>(count)});
  }
  return memory.mutable_data<float>().first(count);
}

const OperatorDefinition* find_operator(std::string_view type, std::string_view domain, std::int64_t opset) {
  const std::string_view wanted = domain == "ai.onnx" ? std::string_view{} : domain;
  for (const OperatorDefinition& row : operators()) {
    if (row.type == type && row.domain == wanted && opset >= row.first_opset && opset <= row.last_opset) return &row;
  }
  return nullptr;
}

std::vector<OutputType> infer_outputs(const OperatorDefinition& row, const InferRequest& request) {
  const auto count = static_cast<int>(request.inputs.size());
  if (count < row.least_inputs || (row.most_inputs >= 0 && count > row.most_inputs)) {
    request.refuse(cat("it has ", count, " inputs, ", row.type, " takes ", row.least_inputs,
                       row.most_inputs < 0 ? " or more" : cat(" to ", row.most_inputs)));
  }
  for (int index = 0; index < row.least_inputs; ++index) (void)request.need(static_cast<std::size_t>(index));
  std::vector<OutputType> outputs;
  try {
    outputs = row.infer(request);
  } catch (Error& error) {
    if (error.where().find(request.node.described()) == std::string::npos) error.in(request.node.described());
    throw;
  }
  outputs.resize(request.node.outputs.size());
  return outputs;
}

namespace {

void collect_unsupported(const Model& model, const Graph& graph, std::set<std::string>& found) {
  for (const Node& node : graph.nodes) {
    const std::int64_t opset = model.opset(node.domain);
    if (find_operator(node.type, node.domain, opset) == nullptr) {
      const std::string domain = node.domain.empty() || node.domain == "ai.onnx" ? "" : visible(node.domain) + ".";
      found.insert(cat(domain, visible(node.type), " (opset ", opset, ")"));
    }
    for (const Attribute& attribute : node.attributes) {
      if (const auto* one = std::get_if<std::shared_ptr<const Graph>>(&attribute.content)) collect_unsupported(model, **one, found);
      if (const auto* many = std::get_if<std::vector<std::shared_ptr<const Graph>>>(&attribute.content)) {
        for (const auto& body : *many) collect_unsupported(model, *body, found);
      }
    }
  }
}

}  // namespace

std::vector<std::string> unsupported_operators(const Model& model) {
  std::set<std::string> found;
  collect_unsupported(model, model.graph, found);
  return {found.begin(), found.end()};
}

}  // namespace titrate::engine
