#include "engine/ops/code_table.hpp"

#include <algorithm>

#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"
#include "engine/kernels/quantize/quantize.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::engine::ops {

CodeTable code_table(DataType type, const LinearCode& from, const LinearCode& to, const std::function<float(float)>& function) {
  const bool is_signed = type == DataType::int8;
  std::array<float, 256> numbers{};
  for (int byte = 0; byte < 256; ++byte) {
    const int code = is_signed ? static_cast<std::int8_t>(byte) : byte;
    numbers[static_cast<std::size_t>(byte)] = function(from.scale * static_cast<float>(code - from.zero_point));
  }
  CodeTable table{};
  const kernels::QuantizeKernels& kernels = kernels::quantize_kernels(selected_isa());
  if (is_signed) {
    std::array<std::int8_t, 256> codes{};
    kernels.to_s8({to.scale, to.zero_point, -128, 127}, numbers.data(), codes.data(), codes.size());
    std::transform(codes.begin(), codes.end(), table.begin(), [](std::int8_t code) { return static_cast<std::uint8_t>(code); });
  } else {
    kernels.to_u8({to.scale, to.zero_point, 0, 255}, numbers.data(), table.data(), table.size());
  }
  return table;
}

void translate(const CodeTable& table, const Tensor& source, Tensor& target) {
  const auto translate_codes = kernels::elementwise_int8_kernels(selected_isa()).translate;
  const std::span<const std::uint8_t> from = source.bits<std::uint8_t>();
  const std::span<std::uint8_t> to = target.mutable_bits<std::uint8_t>();
  constexpr std::size_t piece = 1 << 14;  // elements: enough work for a thread
  kernels::parallel_for((from.size() + piece - 1) / piece, [&](std::size_t index, std::size_t) {
    const std::size_t first = index * piece;
    translate_codes(table.data(), from.data() + first, to.data() + first, std::min(piece, from.size() - first));
  });
}

}  // namespace titrate::engine::ops
