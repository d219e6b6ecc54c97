// The differences code - zero point lie in [-255, 255], so 256 products sum up exactly in float32 (256 * 255 * 255 < 2^24): the float tiles
// compute blocks of 256 exactly, integers add up the blocks.
#include "engine/ops/integer_product.hpp"

#include <algorithm>
#include <functional>

#include "engine/kernels/requantize/requantize.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::int64_t exact_depth = 256;

using Blocks = std::vector<std::vector<float>>;

void check_lanes(const Tensor* parameters, std::size_t lanes, std::size_t matrices, const Node& node, std::string_view what) {
  if (parameters == nullptr) return;
  const auto count = static_cast<std::size_t>(parameters->elements());
  if (count != 1 && count != lanes && count != lanes * matrices) {
    throw_invalid(cat("there are ", count, " ", what, " for ", lanes, " rows or columns"), node.described());
  }
}

// Matrix `matrix` of a tensor as floats without zero points, [rows, columns] whatever the order in memory.
struct Codes {
  const Tensor& tensor;
  const Tensor* zero_points;
  std::size_t rows, columns;
  bool transposed;
  bool lane_is_row;

  [[nodiscard]] std::vector<float> differences(std::size_t matrix) const {
    std::vector<float> numbers(rows * columns);
    const std::size_t lanes = lane_is_row ? rows : columns;
    const std::size_t zero_count = zero_points == nullptr ? 0 : static_cast<std::size_t>(zero_points->elements());
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        const std::size_t lane = lane_is_row ? row : column;
        const std::int32_t zero_point = zero_count == 0 ? 0 : code_at(*zero_points, lane_index(zero_count, matrix, lane, lanes));
        const std::size_t at = transposed ? column * rows + row : row * columns + column;
        numbers[row * columns + column] = static_cast<float>(code_at(tensor, matrix * rows * columns + at) - zero_point);
      }
    }
    return numbers;
  }
};

Blocks pack_blocks(const kernels::SgemmKernels& sgemm, const std::vector<float>& numbers, std::size_t depth, std::size_t columns) {
  Blocks blocks;
  for (std::size_t k = 0; k < depth; k += exact_depth) {
    const kernels::MatrixView view{numbers.data() + k * columns, std::min<std::size_t>(exact_depth, depth - k), columns, columns, 1};
    blocks.emplace_back(kernels::packed_columns_size(sgemm, view.rows, columns));
    kernels::pack_columns(sgemm, view, blocks.back().data());
  }
  return blocks;
}

std::int32_t add_wrapping(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

void multiply_blocks(const kernels::SgemmKernels& sgemm, const std::vector<float>& left, const Blocks& right, std::size_t rows,
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
    for (std::size_t i = 0; i < sums.size(); ++i) output[i] = add_wrapping(output[i], static_cast<std::int32_t>(sums[i]));
  }
}

// C stretches over [M, N] in one direction only.
void add_stretched(const Tensor& addend, std::size_t rows, std::size_t columns, std::int32_t* sums) {
  const std::span<const std::int32_t> elements = addend.data<std::int32_t>();
  const Shape& shape = addend.shape();
  const std::size_t column_step = !shape.empty() && shape.back() != 1 ? 1 : 0;
  const std::size_t row_step = shape.size() == 2 && shape[0] != 1 ? static_cast<std::size_t>(shape[1]) : 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      std::int32_t& sum = sums[row * columns + column];
      sum = add_wrapping(sum, elements[row * row_step + column * column_step]);
    }
  }
}

MatrixSizes sizes_of(Shape a, Shape b, bool transpose_a, bool transpose_b, const Node& node) {
  if (transpose_a && a.size() == 2) std::swap(a[0], a[1]);
  if (transpose_b && b.size() == 2) std::swap(b[0], b[1]);
  return matrix_sizes(a, b, node);
}

}  // namespace

std::int32_t code_at(const Tensor& tensor, std::size_t index) {
  if (tensor.type() == DataType::int32) return tensor.data<std::int32_t>()[index];
  const auto byte = static_cast<std::uint8_t>(tensor.bytes()[index]);
  return tensor.type() == DataType::int8 ? static_cast<std::int8_t>(byte) : byte;
}

std::vector<float> scales_of(const Tensor& scales) {
  const Tensor wide = widen(scales);
  const std::span<const float> numbers = wide.data<float>();
  return {numbers.begin(), numbers.end()};
}

void check_codes(const InferRequest& request, std::size_t codes, std::size_t zero_point) {
  const DataType type = request.type(codes);
  if (type != DataType::undefined && type != DataType::uint8 && type != DataType::int8) {
    request.refuse(cat("input ", codes, " is ", name_of(type), ", not an 8-bit integer"));
  }
  const DataType of_zero_point = request.type(zero_point);
  if (of_zero_point != DataType::undefined && type != DataType::undefined && of_zero_point != type) {
    request.refuse(cat("zero point ", zero_point, " is ", name_of(of_zero_point), ", its codes are ", name_of(type)));
  }
}

OutputType infer_integer_product(const InferRequest& request, const ProductInputs& inputs, DataType type, bool transposes) {
  check_codes(request, inputs.b, inputs.b_zero);
  OutputType output{.type = type, .shape = std::nullopt};
  const Shape* a = request.shape(inputs.a);
  const Shape* b = request.shape(inputs.b);
  if (a == nullptr || b == nullptr) return output;
  if (transposes && (a->size() != 2 || b->size() != 2)) {
    request.refuse(cat(request.node.type, " of ", to_text(*a), " and ", to_text(*b), ": both must be matrices"));
  }
  const bool transpose_a = transposes && request.node.integer("transA", 0) != 0;
  const bool transpose_b = transposes && request.node.integer("transB", 0) != 0;
  output.shape = sizes_of(*a, *b, transpose_a, transpose_b, request.node).output;
  return output;
}

struct IntegerProduct::PackedBlocks {
  Blocks blocks;
};

IntegerProduct::IntegerProduct(const PrepareRequest& request, const ProductInputs& inputs)
    : node_(request.node),
      inputs_(inputs),
      transpose_a_(request.node.integer("transA", 0) != 0),
      transpose_b_(request.node.integer("transB", 0) != 0),
      alpha_(request.node.number("alpha", 1.0F)) {
  const Tensor* b = request.constant(inputs.b);
  const Tensor* zero_points = request.constant(inputs.b_zero);
  if (b == nullptr || b->rank() != 2 || (request.has(inputs.b_zero) && zero_points == nullptr)) return;
  const auto depth = static_cast<std::size_t>(b->shape()[transpose_b_ ? 1 : 0]);
  const auto columns = static_cast<std::size_t>(b->shape()[transpose_b_ ? 0 : 1]);
  check_lanes(zero_points, columns, 1, request.node, "zero points");
  const Codes codes{*b, zero_points, depth, columns, transpose_b_, false};
  packed_ = std::make_shared<PackedBlocks>(
      PackedBlocks{pack_blocks(kernels::sgemm_kernels(selected_isa()), codes.differences(0), depth, columns)});
}

void IntegerProduct::run(RunContext& run, const QuantizedLeft* left) const {
  Tensor& output = run.out();
  if (output.elements() == 0) return;
  const auto optional = [&](std::size_t index) { return run.has(index) ? &run.in(index) : nullptr; };
  const Tensor& a = left != nullptr ? left->codes : run.in(inputs_.a);
  const Tensor& b = run.in(inputs_.b);
  const Tensor* a_zero = left != nullptr ? &left->zero_point : optional(inputs_.a_zero);
  const Tensor* b_zero = optional(inputs_.b_zero);
  const MatrixSizes sizes = sizes_of(a.shape(), b.shape(), transpose_a_, transpose_b_, node_);
  const auto rows = static_cast<std::size_t>(sizes.rows);
  const auto depth = static_cast<std::size_t>(sizes.depth);
  const auto columns = static_cast<std::size_t>(sizes.columns);
  const std::size_t a_stack = static_cast<std::size_t>(a.elements()) / std::max<std::size_t>(1, rows * depth);
  const std::size_t b_stack = static_cast<std::size_t>(b.elements()) / std::max<std::size_t>(1, depth * columns);
  check_lanes(a_zero, rows, std::max<std::size_t>(a_stack, 1), node_, "zero points");
  check_lanes(b_zero, columns, std::max<std::size_t>(b_stack, 1), node_, "zero points");

  std::vector<float> a_scales, b_scales;
  float divisor = 1.0F;
  const bool scaled = output.type() != DataType::int32;
  if (scaled) {
    const Tensor& a_scale = left != nullptr ? left->scale : run.in(inputs_.a_scale);
    check_lanes(&a_scale, rows, std::max<std::size_t>(a_stack, 1), node_, "scales");
    check_lanes(&run.in(inputs_.b_scale), columns, std::max<std::size_t>(b_stack, 1), node_, "scales");
    a_scales = scales_of(a_scale);
    b_scales = scales_of(run.in(inputs_.b_scale));
    if (run.has(inputs_.y_scale)) divisor = scales_of(run.in(inputs_.y_scale)).at(0);
  }
  const std::int32_t y_zero = run.has(inputs_.y_zero) ? code_at(run.in(inputs_.y_zero), 0) : 0;
  const float* bias = run.has(inputs_.bias) ? run.in(inputs_.bias).data<float>().data() : nullptr;

  const kernels::SgemmKernels& sgemm = kernels::sgemm_kernels(selected_isa());
  const kernels::RequantizeKernels& requantize = kernels::requantize_kernels(selected_isa());
  std::vector<std::int32_t> sums(rows * columns);
  std::vector<float> multipliers(columns);
  const std::int64_t stack = element_count(sizes.stack);
  for (std::int64_t index = 0; index < stack; ++index) {
    const auto a_matrix = static_cast<std::size_t>(matrix_at(index, sizes.stack, a.shape()));
    const auto b_matrix = static_cast<std::size_t>(matrix_at(index, sizes.stack, b.shape()));
    const std::vector<float> rows_of_a = Codes{a, a_zero, rows, depth, transpose_a_, true}.differences(a_matrix);
    Blocks now;
    if (!packed_) {
      now = pack_blocks(sgemm, Codes{b, b_zero, depth, columns, transpose_b_, false}.differences(b_matrix), depth, columns);
    }
    multiply_blocks(sgemm, rows_of_a, packed_ ? packed_->blocks : now, rows, depth, columns, sums.data());
    if (run.has(inputs_.addend)) add_stretched(run.in(inputs_.addend), rows, columns, sums.data());
    const std::size_t first = static_cast<std::size_t>(index) * rows * columns;
    if (!scaled) {
      std::copy(sums.begin(), sums.end(), output.mutable_data<std::int32_t>().begin() + static_cast<std::ptrdiff_t>(first));
      continue;
    }
    for (std::size_t row = 0; row < rows; ++row) {
      const float a_scale = alpha_ * a_scales[lane_index(a_scales.size(), a_matrix, row, rows)];
      for (std::size_t column = 0; column < columns; ++column) {
        multipliers[column] = a_scale * b_scales[lane_index(b_scales.size(), b_matrix, column, columns)] / divisor;
      }
      const std::int32_t* source = sums.data() + row * columns;
      const std::size_t target = first + row * columns;
      if (output.type() == DataType::float32) {
        requantize.to_float(source, multipliers.data(), bias, output.mutable_data<float>().data() + target, columns);
      } else if (output.type() == DataType::uint8) {
        requantize.to_u8(source, multipliers.data(), y_zero, output.mutable_data<std::uint8_t>().data() + target, columns);
      } else {
        requantize.to_s8(source, multipliers.data(), y_zero, output.mutable_data<std::int8_t>().data() + target, columns);
      }
    }
  }
}

}  // namespace titrate::engine::ops
