// Activations: one number in, one out, float32.
#include <algorithm>

#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> same_as_input(const InferRequest& request) { return {{.type = request.type(0), .shape = request.inputs[0].shape}}; }

Step prepare_relu(const PrepareRequest&) {
  return [](RunContext& run) {
    const auto source = run.in(0).data<float>();
    const auto target = run.out().mutable_data<float>();
    for (std::size_t index = 0; index < source.size(); ++index) target[index] = source[index] < 0 ? 0.0F : source[index];
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Relu", .infer = same_as_input, .prepare = prepare_relu},
};

}  // namespace

Family activation() { return rows; }

}  // namespace titrate::engine::ops
