#include "engine/ops/integer_product.hpp"

#include <algorithm>

#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

void check_lanes(const Tensor* parameters, std::size_t lanes, std::size_t matrices, const Node& node, std::string_view what) {
  if (parameters == nullptr) return;
  const auto count = static_cast<std::size_t>(parameters->elements());
  if (count != 1 && count != lanes && count != lanes * matrices) {
    throw_invalid(cat("there are ", count, " ", what, " for ", lanes, " rows or columns"), node.described());
  }
}

MatrixSizes sizes_of(Shape a, Shape b, bool transpose_a, bool transpose_b, const Node& node) {
  if (transpose_a && a.size() == 2) std::swap(a[0], a[1]);
  if (transpose_b && b.size() == 2) std::swap(b[0], b[1]);
  return matrix_sizes(a, b, node);
}

const std::uint8_t* bytes_of(const Tensor& tensor) { return tensor.bits<std::uint8_t>().data(); }

// The addends of one row: C stretches over [M, N] in one direction only.
std::vector<std::int32_t> addends_of(const Tensor* addend, std::size_t row, std::size_t columns) {
  if (addend == nullptr) return {};
  const std::span<const std::int32_t> elements = addend->data<std::int32_t>();
  const Shape& shape = addend->shape();
  const std::size_t column_step = !shape.empty() && shape.back() != 1 ? 1 : 0;
  const std::size_t first = shape.size() == 2 && shape[0] != 1 ? row * static_cast<std::size_t>(shape[1]) : 0;
  std::vector<std::int32_t> addends(columns);
  for (std::size_t column = 0; column < columns; ++column) addends[column] = elements[first + column * column_step];
  return addends;
}

bool one_for_all(const Tensor* parameters) { return parameters == nullptr || parameters->elements() == 1; }
bool same_for_rows(const Tensor* addend) { return addend == nullptr || addend->rank() < 2 || addend->shape()[0] == 1; }

// The parameters of the columns of one matrix: one for all, or one a column of this matrix.
template <class T>
std::span<const T> of_matrix(const std::vector<T>& parameters, std::size_t matrix, std::size_t columns) {
  if (parameters.size() <= 1) return parameters;
  return std::span(parameters).subspan(lane_index(parameters.size(), matrix, 0, columns), columns);
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

std::vector<std::int32_t> codes_of(const Tensor* tensor) {
  std::vector<std::int32_t> codes(tensor == nullptr ? 0 : static_cast<std::size_t>(tensor->elements()));
  for (std::size_t index = 0; index < codes.size(); ++index) codes[index] = code_at(*tensor, index);
  return codes;
}

std::byte* scratch_bytes(Scratch& scratch, std::size_t bytes, std::size_t slot) {
  return reinterpret_cast<std::byte*>(scratch.floats(bytes / sizeof(float) + 1, slot).data());
}

kernels::SumsOutput::Form form_of(DataType type) {
  switch (type) {
    case DataType::int32:
      return kernels::SumsOutput::Form::sums;
    case DataType::uint8:
      return kernels::SumsOutput::Form::u8;
    case DataType::int8:
      return kernels::SumsOutput::Form::s8;
    default:
      return kernels::SumsOutput::Form::numbers;
  }
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

// What one run works on. Tensors are null where the operator has no such input or the node leaves it out.
struct IntegerProduct::Inputs {
  const Tensor* a;
  const Tensor* b;
  const Tensor* a_zero;
  const Tensor* a_scale;
  const Tensor* b_zero;
  const Tensor* b_scale;
  const Tensor* y_scale;
  const Tensor* y_zero;
  const Tensor* addend;
  MatrixSizes sizes{};
  bool a_is_signed = false;
  bool scaled = true;

  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(sizes.rows); }
  [[nodiscard]] std::size_t depth() const { return static_cast<std::size_t>(sizes.depth); }
  [[nodiscard]] std::size_t columns() const { return static_cast<std::size_t>(sizes.columns); }
  // Whether one call may compute all rows.
  [[nodiscard]] bool rows_are_alike() const { return one_for_all(a_zero) && one_for_all(a_scale) && same_for_rows(addend); }

  void check(const Node& node) const {
    const auto matrices = [](const Tensor& operand, std::int64_t of_matrix) {
      return static_cast<std::size_t>(std::max<std::int64_t>(1, operand.elements() / std::max<std::int64_t>(1, of_matrix)));
    };
    const std::size_t a_matrices = matrices(*a, sizes.rows * sizes.depth);
    const std::size_t b_matrices = matrices(*b, sizes.depth * sizes.columns);
    check_lanes(a_zero, rows(), a_matrices, node, "zero points");
    check_lanes(b_zero, columns(), b_matrices, node, "zero points");
    check_lanes(a_scale, rows(), a_matrices, node, "scales");
    check_lanes(b_scale, columns(), b_matrices, node, "scales");
    check_lanes(y_scale, 1, 1, node, "output scales");
    check_lanes(y_zero, 1, 1, node, "output zero points");
  }
};

struct IntegerProduct::Place {
  std::size_t a_matrix, b_matrix;
  std::size_t row;     // of the matrix
  std::size_t output;  // the row of the output, all matrices on top of each other
};

IntegerProduct::IntegerProduct(const PrepareRequest& request, const ProductInputs& inputs)
    : node_(request.node),
      inputs_(inputs),
      transpose_a_(request.node.integer("transA", 0) != 0),
      transpose_b_(request.node.integer("transB", 0) != 0),
      alpha_(request.node.number("alpha", 1.0F)) {
  const Tensor* b = request.constant(inputs.b);
  if (b == nullptr || b->rank() != 2) return;
  Inputs known{.a = nullptr,
               .b = b,
               .a_zero = request.constant(inputs.a_zero),
               .a_scale = request.constant(inputs.a_scale),
               .b_zero = request.constant(inputs.b_zero),
               .b_scale = request.constant(inputs.b_scale),
               .y_scale = request.constant(inputs.y_scale),
               .y_zero = nullptr,
               .addend = request.constant(inputs.addend)};
  known.sizes.depth = b->shape()[transpose_b_ ? 1 : 0];
  known.sizes.columns = b->shape()[transpose_b_ ? 0 : 1];
  known.a_is_signed = request.type(inputs.a) == DataType::int8;
  known.scaled = inputs.b_scale != ProductInputs::none;
  check_lanes(known.b_zero, known.columns(), 1, node_, "zero points");
  check_lanes(known.b_scale, known.columns(), 1, node_, "scales");
  packed_ = std::make_shared<kernels::PackedCodes>(kernels::igemm_kernels(selected_isa()), right_matrix(*b, known.sizes, 0));
  const bool dynamic = known.scaled && inputs.a_scale == ProductInputs::none;
  // Counts that do not fit are left to infer(), which refuses them as soon as it sees all shapes.
  bool all = !dynamic && request.type(inputs.a) != DataType::undefined && known.rows_are_alike();
  all = all && one_for_all(known.y_scale);
  all = all && (known.addend == nullptr || known.addend->elements() == 1 || known.addend->elements() == known.sizes.columns);
  for (const std::size_t index : {inputs.a_zero, inputs.a_scale, inputs.b_zero, inputs.b_scale, inputs.y_scale, inputs.addend}) {
    all = all && (!request.has(index) || request.constant(index) != nullptr);
  }
  if (all) constant_ = std::make_shared<Shared>(shared_by(known, *packed_, {0, 0, 0, 0}));
}

kernels::CodeMatrix IntegerProduct::right_matrix(const Tensor& b, const MatrixSizes& sizes, std::size_t matrix) const {
  const auto depth = static_cast<std::size_t>(sizes.depth);
  const auto columns = static_cast<std::size_t>(sizes.columns);
  return {.codes = bytes_of(b) + matrix * depth * columns,
          .is_signed = b.type() == DataType::int8,
          .rows = depth,
          .columns = columns,
          .row_stride = transpose_b_ ? 1 : columns,
          .column_stride = transpose_b_ ? depth : 1};
}

IntegerProduct::Shared IntegerProduct::shared_by(const Inputs& inputs, const kernels::PackedCodes& b, const Place& place) const {
  const std::size_t columns = inputs.columns();
  const auto of_row = [&](std::size_t count) { return lane_index(count, place.a_matrix, place.row, inputs.rows()); };
  const std::vector<std::int32_t> a_zero = codes_of(inputs.a_zero);
  const std::vector<std::int32_t> b_zero = codes_of(inputs.b_zero);
  Shared shared{kernels::compensation(b, inputs.a_is_signed, a_zero.empty() ? 0 : a_zero[of_row(a_zero.size())],
                                      of_matrix(b_zero, place.b_matrix, columns), addends_of(inputs.addend, place.row, columns)),
                {}};
  if (!inputs.scaled) return shared;
  const std::vector<float> a_scales = scales_of(*inputs.a_scale);
  const std::vector<float> b_scales = scales_of(*inputs.b_scale);
  const std::span<const float> of_columns = of_matrix(b_scales, place.b_matrix, columns);
  const float a_scale = alpha_ * a_scales[of_row(a_scales.size())];
  const float divisor = inputs.y_scale == nullptr ? 1.0F : scales_of(*inputs.y_scale)[0];
  for (std::size_t column = 0; column < columns; ++column) {
    shared.multipliers.push_back(a_scale * of_columns[of_columns.size() == 1 ? 0 : column] / divisor);
  }
  return shared;
}

void IntegerProduct::multiply(RunContext& run, const Inputs& inputs, const kernels::PackedCodes& b, const Shared& shared,
                              const Place& place, std::size_t rows) const {
  const kernels::IgemmKernels& igemm = kernels::igemm_kernels(selected_isa());
  const std::size_t row_stride = transpose_a_ ? 1 : inputs.depth();
  const std::size_t first = place.a_matrix * inputs.rows() * inputs.depth() + place.row * row_stride;
  const kernels::StridedRows left{bytes_of(*inputs.a) + first, inputs.depth(), row_stride, transpose_a_ ? inputs.rows() : 1};
  Tensor& output = run.out();
  const std::size_t element = output.bytes().size() / static_cast<std::size_t>(output.elements());
  const kernels::SumsOutput target{.form = form_of(output.type()),
                                   .target = output.mutable_bytes().data() + place.output * inputs.columns() * element,
                                   .stride = inputs.columns(),
                                   .multipliers = inputs.scaled ? shared.multipliers.data() : nullptr,
                                   .bias = run.has(inputs_.bias) ? run.in(inputs_.bias).data<float>().data() : nullptr,
                                   .zero_point = inputs.y_zero == nullptr ? 0 : code_at(*inputs.y_zero, 0)};
  std::byte* scratch = scratch_bytes(run.scratch, kernels::product_scratch(igemm, rows, b));
  kernels::multiply_codes(igemm, kernels::requantize_kernels(selected_isa()),
                          {rows, left.rows(inputs.a_is_signed), b, shared.compensation, target}, scratch);
}

void IntegerProduct::run(RunContext& run, const QuantizedLeft* left) const {
  if (run.out().elements() == 0) return;
  const auto given = [&](std::size_t index) { return run.has(index) ? &run.in(index) : nullptr; };
  Inputs inputs{.a = left != nullptr ? &left->codes : given(inputs_.a),
                .b = given(inputs_.b),
                .a_zero = left != nullptr ? &left->zero_point : given(inputs_.a_zero),
                .a_scale = left != nullptr ? &left->scale : given(inputs_.a_scale),
                .b_zero = given(inputs_.b_zero),
                .b_scale = given(inputs_.b_scale),
                .y_scale = given(inputs_.y_scale),
                .y_zero = given(inputs_.y_zero),
                .addend = given(inputs_.addend)};
  inputs.sizes = sizes_of(inputs.a->shape(), inputs.b->shape(), transpose_a_, transpose_b_, node_);
  inputs.a_is_signed = inputs.a->type() == DataType::int8;
  inputs.scaled = run.out().type() != DataType::int32;
  inputs.check(node_);
  std::size_t stack = static_cast<std::size_t>(element_count(inputs.sizes.stack));
  std::size_t rows = inputs.rows();
  const bool alike = inputs.rows_are_alike();
  // One right matrix for all: the stack of left matrices is one tall matrix.
  if (inputs.b->elements() == inputs.sizes.depth * inputs.sizes.columns && alike && inputs.addend == nullptr) {
    rows *= stack;
    stack = 1;
  }
  for (std::size_t index = 0; index < stack; ++index) {
    Place place{
        .a_matrix =
            stack == 1 ? 0 : static_cast<std::size_t>(matrix_at(static_cast<std::int64_t>(index), inputs.sizes.stack, inputs.a->shape())),
        .b_matrix =
            stack == 1 ? 0 : static_cast<std::size_t>(matrix_at(static_cast<std::int64_t>(index), inputs.sizes.stack, inputs.b->shape())),
        .row = 0,
        .output = index * rows};
    std::optional<kernels::PackedCodes> now;
    if (!packed_) now.emplace(kernels::igemm_kernels(selected_isa()), right_matrix(*inputs.b, inputs.sizes, place.b_matrix));
    const kernels::PackedCodes& b = packed_ ? *packed_ : *now;
    const std::size_t step = alike ? rows : 1;
    for (; place.row < rows; place.row += step, place.output += step) {
      if (constant_) {
        multiply(run, inputs, b, *constant_, place, step);
      } else {
        multiply(run, inputs, b, shared_by(inputs, b, place), place, step);
      }
    }
  }
}

}  // namespace titrate::engine::ops
