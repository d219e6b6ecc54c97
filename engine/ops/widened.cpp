#include "engine/ops/widened.hpp"

#include "engine/base/float16.hpp"

namespace titrate::engine::ops {
namespace {

bool is_half(DataType type) { return type == DataType::float16 || type == DataType::bfloat16; }

}  // namespace

Tensor widen(const Tensor& tensor) {
  if (!is_half(tensor.type())) return tensor;
  Tensor wide = Tensor::uninitialized(DataType::float32, tensor.shape());
  const auto source = tensor.bits<std::uint16_t>();
  const auto target = wide.mutable_data<float>();
  const bool brain = tensor.type() == DataType::bfloat16;
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = brain ? float_from_bfloat16(source[i]) : float_from_half(source[i]);
  return wide;
}

void narrow(const Tensor& tensor, Tensor& target) {
  const auto source = tensor.data<float>();
  const auto bits = target.mutable_bits<std::uint16_t>();
  const bool brain = target.type() == DataType::bfloat16;
  for (std::size_t i = 0; i < source.size(); ++i) bits[i] = brain ? bfloat16_from_float(source[i]) : half_from_float(source[i]);
}

Step prepare_widened(const PrepareRequest& request, Step (*prepare)(const PrepareRequest&)) {
  std::vector<Operand> operands(request.inputs.begin(), request.inputs.end());
  std::vector<Tensor> constants(operands.size());
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!is_half(operands[i].type)) continue;
    operands[i].type = DataType::float32;
    if (operands[i].value == nullptr) continue;
    constants[i] = widen(*operands[i].value);
    operands[i].value = &constants[i];
  }
  Step step = prepare({request.node, request.opset, operands});
  return [step = std::move(step)](RunContext& run) {
    std::vector<Tensor> inputs(run.inputs.size());
    std::vector<const Tensor*> pointers(run.inputs.size(), nullptr);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!run.has(i)) continue;
      inputs[i] = widen(run.in(i));
      pointers[i] = &inputs[i];
    }
    std::vector<Tensor> outputs(run.outputs.begin(), run.outputs.end());
    for (Tensor& output : outputs) {
      if (is_half(output.type())) output = Tensor::uninitialized(DataType::float32, output.shape());
    }
    RunContext wide{pointers, outputs, run.scratch};
    step(wide);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (is_half(run.outputs[i].type())) narrow(outputs[i], run.outputs[i]);
    }
  };
}

}  // namespace titrate::engine::ops
