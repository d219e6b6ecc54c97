// MatMulInteger: int32 sums of (a - a_zero_point) * (b - b_zero_point) over 8-bit codes. The differences lie in [-255, 255], so 256
// products sum up exactly in float32 (256 * 255 * 255 < 2^24): the float tiles compute blocks of 256 exactly, integers add up the blocks.
#include <algorithm>
#include <memory>

#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/ops/matrix_product.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::int64_t exact_depth = 256;

std::vector<OutputType> infer_integer(const InferRequest& request) {
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    const DataType type = request.type(index);
    if (type != DataType::undefined && type != DataType::uint8 && type != DataType::int8) {
      request.refuse(cat("input ", index, " is ", name_of(type), ", not an 8-bit integer"));
    }
    const DataType zero_point = request.type(index + 2);
    if (zero_point != DataType::undefined && type != DataType::undefined && zero_point != type) {
      request.refuse(cat("zero point ", index + 2, " is ", name_of(zero_point), ", its codes are ", name_of(type)));
    }
  }
  return {infer_product(request, DataType::int32)};
}

std::int32_t code_at(const Tensor& tensor, std::size_t index) {
  const auto byte = static_cast<std::uint8_t>(tensor.bytes()[index]);
  return tensor.type() == DataType::int8 ? static_cast<std::int8_t>(byte) : byte;
}

// Which zero point belongs to row (of a) or column (of b) `lane` of matrix `matrix`: one for all, one a lane, or one a lane of each matrix.
std::int32_t zero_point_at(const Tensor* zero_points, std::size_t matrix, std::size_t lane, std::size_t lanes) {
  if (zero_points == nullptr) return 0;
  const auto count = static_cast<std::size_t>(zero_points->elements());
  if (count == 1) return code_at(*zero_points, 0);
  return code_at(*zero_points, (matrix * lanes + lane) % count);
}

void check_zero_points(const Tensor* zero_points, std::size_t lanes, std::size_t matrices, const Node& node) {
  if (zero_points == nullptr) return;
  const auto count = static_cast<std::size_t>(zero_points->elements());
  if (count != 1 && count != lanes && count != lanes * matrices) {
    throw_invalid(cat("there are ", count, " zero points for ", lanes, " rows or columns"), node.described());
  }
}

// Matrix `matrix` of a tensor as floats without zero points.
std::vector<float> differences(const Tensor& codes, const Tensor* zero_points, std::size_t matrix, std::size_t rows, std::size_t columns,
                               bool lane_is_row) {
  std::vector<float> numbers(rows * columns);
  const std::size_t lanes = lane_is_row ? rows : columns;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::int32_t zero_point = zero_point_at(zero_points, matrix, lane_is_row ? row : column, lanes);
      numbers[row * columns + column] = static_cast<float>(code_at(codes, (matrix * rows + row) * columns + column) - zero_point);
    }
  }
  return numbers;
}

// The right matrix, packed block by block.
using PackedBlocks = std::vector<std::vector<float>>;

PackedBlocks pack_blocks(const kernels::SgemmKernels& sgemm, const std::vector<float>& numbers, std::size_t depth, std::size_t columns) {
  PackedBlocks blocks;
  for (std::size_t k = 0; k < depth; k += exact_depth) {
    const kernels::MatrixView view{numbers.data() + k * columns, std::min<std::size_t>(exact_depth, depth - k), columns, columns, 1};
    blocks.emplace_back(kernels::packed_columns_size(sgemm, view.rows, columns));
    kernels::pack_columns(sgemm, view, blocks.back().data());
  }
  return blocks;
}

void multiply_blocks(const kernels::SgemmKernels& sgemm, const std::vector<float>& left, const PackedBlocks& right, std::size_t rows,
                     std::size_t depth, std::size_t columns, std::int32_t* output) {
  std::vector<float> packed(rows * exact_depth);
  std::vector<float> sums(rows * columns);
  std::fill_n(output, rows * columns, 0);
  for (std::size_t block = 0; block < right.size(); ++block) {
    const std::size_t k = block * exact_depth;
    const std::size_t length = std::min<std::size_t>(exact_depth, depth - k);
    kernels::pack_rows(sgemm, {left.data() + k, rows, length, depth, 1}, packed.data());
    kernels::multiply(sgemm, {.rows = rows,
                              .columns = columns,
                              .depth = length,
                              .a = packed.data(),
                              .b = right[block].data(),
                              .c = sums.data(),
                              .c_stride = columns});
    for (std::size_t i = 0; i < sums.size(); ++i) {  // unsigned: sums of absurd depth wrap around
      output[i] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(output[i]) + static_cast<std::uint32_t>(static_cast<std::int32_t>(sums[i])));
    }
  }
}

Step prepare_integer(const PrepareRequest& request) {
  const kernels::SgemmKernels& sgemm = kernels::sgemm_kernels(selected_isa());
  std::shared_ptr<const PackedBlocks> packed;
  const Tensor* b = request.constant(1);
  const Tensor* zero_points = request.constant(3);
  if (b != nullptr && b->rank() == 2 && (!request.has(3) || zero_points != nullptr)) {
    const auto depth = static_cast<std::size_t>(b->shape()[0]);
    const auto columns = static_cast<std::size_t>(b->shape()[1]);
    check_zero_points(zero_points, columns, 1, request.node);
    packed = std::make_shared<PackedBlocks>(pack_blocks(sgemm, differences(*b, zero_points, 0, depth, columns, false), depth, columns));
  }
  return [&sgemm, packed, node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& a_shape = run.in(0).shape();
    const Shape& b_shape = run.in(1).shape();
    const MatrixSizes sizes = matrix_sizes(a_shape, b_shape, node);
    const auto rows = static_cast<std::size_t>(sizes.rows);
    const auto depth = static_cast<std::size_t>(sizes.depth);
    const auto columns = static_cast<std::size_t>(sizes.columns);
    const Tensor* a_zero = run.has(2) ? &run.in(2) : nullptr;
    const Tensor* b_zero = run.has(3) ? &run.in(3) : nullptr;
    const std::int64_t stack = element_count(sizes.stack);
    check_zero_points(
        a_zero, rows,
        static_cast<std::size_t>(std::max<std::int64_t>(1, run.in(0).elements() / std::max<std::int64_t>(1, sizes.rows * sizes.depth))),
        node);
    check_zero_points(
        b_zero, columns,
        static_cast<std::size_t>(std::max<std::int64_t>(1, run.in(1).elements() / std::max<std::int64_t>(1, sizes.depth * sizes.columns))),
        node);
    for (std::int64_t index = 0; index < stack; ++index) {
      const auto left = differences(run.in(0), a_zero, static_cast<std::size_t>(matrix_at(index, sizes.stack, a_shape)), rows, depth, true);
      PackedBlocks now;
      if (!packed) {
        const auto matrix = static_cast<std::size_t>(matrix_at(index, sizes.stack, b_shape));
        now = pack_blocks(sgemm, differences(run.in(1), b_zero, matrix, depth, columns, false), depth, columns);
      }
      multiply_blocks(sgemm, left, packed ? *packed : now, rows, depth, columns,
                      run.out().mutable_data<std::int32_t>().data() + static_cast<std::size_t>(index) * rows * columns);
    }
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "MatMulInteger", .first_opset = 10, .least_inputs = 2, .most_inputs = 4, .infer = infer_integer, .prepare = prepare_integer},
};

}  // namespace

Family integer_matrix_product() { return rows; }

}  // namespace titrate::engine::ops
