// The kernels and shapes that are measured beside the peers, and the ONNX models of one node (or a chain of them) that stand for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::benchmarks {

enum class KernelKind { product, convolution, packed_product };

/// A product is [rows, depth] x [depth, columns]; a convolution is square, of batch 1.
struct KernelCase {
  std::string_view name;
  KernelKind kind;
  // products
  std::int64_t rows = 0, depth = 0, columns = 0;
  // convolutions
  std::int64_t channels = 0, size = 0, filters = 0, kernel = 0, stride = 0, pad = 0, groups = 0;
  /// packed products: so many different weights one after the other, so that they come from memory and not from a cache
  std::int64_t chain = 1;

  [[nodiscard]] std::int64_t output_size() const { return (size + 2 * pad - kernel) / stride + 1; }
};

[[nodiscard]] std::span<const KernelCase> kernel_cases();

/// float32; int8: u8 activations, s8 weights with a scale for each output channel, u8 out; int8_sums: the same with int32 out; int4 and
/// int4_int8: 4-bit weights in blocks of 32, computed in float32 or (MatMulNBits' accuracy_level 4) in INT8.
enum class KernelType { float32, int8, int8_sums, int4, int4_int8 };
[[nodiscard]] std::string_view name_of(KernelType type);
[[nodiscard]] std::vector<KernelType> types_of(const KernelCase& kernel);

/// Multiply-adds counted as two, padding included; of the whole chain.
[[nodiscard]] double operations_of(const KernelCase& kernel);
/// Activations in, weights (with scales) and activations out, once each; of the whole chain.
[[nodiscard]] double bytes_of(const KernelCase& kernel, KernelType type);

/// MatMul, Conv, QLinearMatMul, QLinearConv, MatMulInteger or MatMulNBits.
[[nodiscard]] engine::Model kernel_model(const KernelCase& kernel, KernelType type);
/// The same work as float operators between QuantizeLinear and DequantizeLinear; int8 only.
[[nodiscard]] engine::Model kernel_model_qdq(const KernelCase& kernel);

}  // namespace titrate::benchmarks
