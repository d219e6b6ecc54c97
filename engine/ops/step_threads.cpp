#include "engine/ops/step_threads.hpp"

namespace titrate::engine::ops {
namespace {

bool is_small(std::span<const Tensor* const> inputs, std::span<const Tensor> outputs) {
  constexpr std::size_t most_bytes = 32768;
  std::size_t bytes = 0;
  for (const Tensor* input : inputs) bytes += input == nullptr ? 0 : input->bytes().size();
  for (const Tensor& output : outputs) bytes += output.bytes().size();
  return bytes <= most_bytes;
}

}  // namespace

kernels::OneThread threads_for(std::span<const Tensor* const> inputs, std::span<const Tensor> outputs) {
  return kernels::OneThread(kernels::thread_count() > 1 && is_small(inputs, outputs));
}

}  // namespace titrate::engine::ops
