// MatMul, Gemm and FusedGemm. float32 multiplies packed tiles; float16 and bfloat16 compute in float32; the other types take plain loops.
#include "engine/ops/matrix_product.hpp"

#include <algorithm>
#include <type_traits>

#include "engine/base/aligned_memory.hpp"
#include "engine/kernels/activation/epilogue.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/sizes.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/fused_activation.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

std::int64_t broadcast_size(std::int64_t a, std::int64_t b, const Node& node) {
  if (a == 1 || a == b) return b;
  if (b == 1) return a;
  if (a >= 0 && b >= 0) throw_invalid(cat("stacks of ", a, " and ", b, " matrices do not go together"), node.described());
  return std::max(a, b);
}

}  // namespace

MatrixSizes matrix_sizes(const Shape& a, const Shape& b, const Node& node) {
  if (a.empty() || b.empty()) throw_invalid("an operand is a scalar", node.described());
  MatrixSizes sizes{};
  sizes.rows = a.size() == 1 ? 1 : a[a.size() - 2];
  sizes.depth = a.back();
  sizes.columns = b.size() == 1 ? 1 : b.back();
  const std::int64_t depth = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (sizes.depth >= 0 && depth >= 0 && sizes.depth != depth) {
    throw_invalid(cat("shapes ", to_text(a), " and ", to_text(b), " do not multiply"), node.described());
  }
  sizes.depth = std::max(sizes.depth, depth);
  const std::size_t stack_a = a.size() < 2 ? 0 : a.size() - 2;
  const std::size_t stack_b = b.size() < 2 ? 0 : b.size() - 2;
  const std::size_t rank = std::max(stack_a, stack_b);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t of_a = axis + stack_a < rank ? 1 : a[axis + stack_a - rank];
    const std::int64_t of_b = axis + stack_b < rank ? 1 : b[axis + stack_b - rank];
    sizes.stack.push_back(broadcast_size(of_a, of_b, node));
  }
  sizes.output = sizes.stack;
  if (a.size() > 1) sizes.output.push_back(sizes.rows);
  if (b.size() > 1) sizes.output.push_back(sizes.columns);
  return sizes;
}

std::int64_t matrix_at(std::int64_t index, const Shape& stack, const Shape& operand) {
  const std::size_t own = operand.size() < 2 ? 0 : operand.size() - 2;
  std::int64_t position = 0;
  std::int64_t stride = 1;
  for (std::size_t back = 1; back <= own; ++back) {
    const std::int64_t size = stack[stack.size() - back];
    if (operand[own - back] != 1) position += index % size * stride;
    stride *= operand[own - back];
    index /= size;
  }
  return position;
}

OutputType infer_product(const InferRequest& request, DataType type) {
  OutputType output{.type = type, .shape = std::nullopt};
  const Shape* a = request.shape(0);
  const Shape* b = request.shape(1);
  if (a != nullptr && b != nullptr) output.shape = matrix_sizes(*a, *b, request.node).output;
  return output;
}

namespace {

void check_same_types(const InferRequest& request, std::size_t count) {
  for (std::size_t index = 1; index < count; ++index) {
    if (request.type(0) != DataType::undefined && request.type(index) != DataType::undefined && request.type(index) != request.type(0)) {
      request.refuse(cat("input ", index, " is ", name_of(request.type(index)), ", input 0 is ", name_of(request.type(0))));
    }
  }
}

template <class T>
struct PlainMatrix {
  const T* elements;
  std::size_t row_stride;
  std::size_t column_stride;
};

template <class T>
T multiply_add(T a, T b, T c) {
  if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::conditional_t<sizeof(T) <= 4, std::uint32_t, std::uint64_t>;
    return static_cast<T>(static_cast<Unsigned>(a) * static_cast<Unsigned>(b) + static_cast<Unsigned>(c));
  } else {
    return a * b + c;
  }
}

// C[M, N] = A[M, K] * B[K, N] in the order of k. Integers wrap around.
template <class T>
void multiply_plainly(const MatrixSizes& sizes, const PlainMatrix<T>& a, const PlainMatrix<T>& b, T* c) {
  kernels::parallel_for(static_cast<std::size_t>(sizes.rows), [&](std::size_t row, std::size_t) {
    const auto columns = static_cast<std::size_t>(sizes.columns);
    T* target = c + row * columns;
    std::fill_n(target, columns, T{0});
    for (std::size_t k = 0; k < static_cast<std::size_t>(sizes.depth); ++k) {
      const T factor = a.elements[row * a.row_stride + k * a.column_stride];
      const T* source = b.elements + k * b.row_stride;
      for (std::size_t j = 0; j < columns; ++j) target[j] = multiply_add(factor, source[j * b.column_stride], target[j]);
    }
  });
}

template <class T>
Step prepare_plain_matmul(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    const Shape& a = run.in(0).shape();
    const Shape& b = run.in(1).shape();
    const MatrixSizes sizes = matrix_sizes(a, b, node);
    const std::int64_t stack = element_count(sizes.stack);
    for (std::int64_t index = 0; index < stack; ++index) {
      const T* left = run.in(0).data<T>().data() + matrix_at(index, sizes.stack, a) * sizes.rows * sizes.depth;
      const T* right = run.in(1).data<T>().data() + matrix_at(index, sizes.stack, b) * sizes.depth * sizes.columns;
      multiply_plainly<T>(sizes, {left, static_cast<std::size_t>(sizes.depth), 1}, {right, static_cast<std::size_t>(sizes.columns), 1},
                          run.out().mutable_data<T>().data() + index * sizes.rows * sizes.columns);
    }
  };
}

// A constant right matrix in column panels.
using PackedColumns = std::shared_ptr<const AlignedFloats>;

PackedColumns pack_constant(const kernels::SgemmKernels& sgemm, const kernels::MatrixView& view) {
  auto packed = std::make_shared<AlignedFloats>(kernels::packed_columns_size(sgemm, view.rows, view.columns));
  kernels::pack_columns(sgemm, view, packed->data());
  return packed;
}

// One product with both operands at hand; `packed_b` null: pack b too. Uses packed memory of the sizes that product_scratch() says.
struct FloatOperands {
  kernels::MatrixView a;
  kernels::MatrixView b;
  const float* packed_b;
  float* c;
  bool accumulate = false;
  const float* column_start = nullptr;  // of every row's sums; null: 0
  const float* bounds = nullptr;        // two, of the finished sums; null: none
};

std::size_t product_scratch(const kernels::SgemmKernels& sgemm, const FloatOperands& operands) {
  const std::size_t left = operands.a.rows * operands.a.columns;
  return kernels::whole_lines(left) +
         (operands.packed_b != nullptr ? 0 : kernels::packed_columns_size(sgemm, operands.b.rows, operands.b.columns));
}

double products_of(const FloatOperands& operands) {
  return static_cast<double>(operands.a.rows) * static_cast<double>(operands.a.columns) * static_cast<double>(operands.b.columns);
}

void multiply_floats(const kernels::SgemmKernels& sgemm, const FloatOperands& operands, float* scratch) {
  const kernels::OneThread alone(products_of(operands) < kernels::least_shared_products);
  const kernels::MatrixView& a = operands.a;
  const float* packed_a = a.elements;
  if (a.rows != 1 || a.column_stride != 1) {  // one row is packed as it is
    kernels::pack_rows(sgemm, a, scratch);
    packed_a = scratch;
  }
  const float* packed_b = operands.packed_b;
  if (packed_b == nullptr) {
    float* target = scratch + kernels::whole_lines(a.rows * a.columns);
    kernels::pack_columns(sgemm, operands.b, target);
    packed_b = target;
  }
  kernels::multiply(sgemm, {.rows = a.rows,
                            .columns = operands.b.columns,
                            .depth = a.columns,
                            .a = packed_a,
                            .b = packed_b,
                            .c = operands.c,
                            .c_stride = operands.b.columns,
                            .accumulate = operands.accumulate,
                            .column_start = operands.column_start,
                            .bounds = operands.bounds});
}

kernels::MatrixView view_of(const float* elements, std::int64_t rows, std::int64_t columns, bool transposed = false) {
  const auto r = static_cast<std::size_t>(rows);
  const auto c = static_cast<std::size_t>(columns);
  return {elements, r, c, transposed ? 1 : c, transposed ? r : 1};
}

void run_float_matmul(const kernels::SgemmKernels& sgemm, const Node& node, const PackedColumns& packed, RunContext& run) {
  const Shape& a = run.in(0).shape();
  const Shape& b = run.in(1).shape();
  const MatrixSizes sizes = matrix_sizes(a, b, node);
  std::int64_t stack = element_count(sizes.stack);
  std::int64_t rows = sizes.rows;
  if (run.out().elements() == 0) return;
  // One right matrix for all: the stack of left matrices is one tall matrix.
  if (element_count(b) == sizes.depth * sizes.columns) {
    rows = run.out().elements() / sizes.columns;
    stack = 1;
  }
  const auto operands_at = [&](std::int64_t index) {
    const float* left = run.in(0).data<float>().data();
    const float* right = run.in(1).data<float>().data();
    if (stack > 1) {
      left += matrix_at(index, sizes.stack, a) * sizes.rows * sizes.depth;
      right += matrix_at(index, sizes.stack, b) * sizes.depth * sizes.columns;
    }
    return FloatOperands{.a = view_of(left, rows, sizes.depth),
                         .b = view_of(right, sizes.depth, sizes.columns),
                         .packed_b = packed ? packed->data() : nullptr,
                         .c = run.out().mutable_data<float>().data() + index * rows * sizes.columns};
  };
  const std::size_t need = kernels::whole_lines(product_scratch(sgemm, operands_at(0)));
  if (stack == 1) {
    multiply_floats(sgemm, operands_at(0), run.scratch.floats(need).data());
    return;
  }
  const kernels::OneThread alone(static_cast<double>(stack) * products_of(operands_at(0)) < kernels::least_shared_products);
  float* scratch = run.scratch.floats(need * static_cast<std::size_t>(kernels::thread_count())).data();
  kernels::parallel_for(static_cast<std::size_t>(stack), [&](std::size_t index, std::size_t thread) {
    multiply_floats(sgemm, operands_at(static_cast<std::int64_t>(index)), scratch + thread * need);
  });
}

Step prepare_float_matmul(const PrepareRequest& request) {
  const kernels::SgemmKernels& sgemm = kernels::sgemm_kernels(selected_isa());
  PackedColumns packed;
  if (const Tensor* b = request.constant(1); b != nullptr && b->rank() > 0 && b->elements() > 0) {
    const std::int64_t columns = b->rank() == 1 ? 1 : b->shape().back();
    const std::int64_t depth = b->rank() == 1 ? b->shape()[0] : b->shape()[b->shape().size() - 2];
    if (depth * columns == b->elements()) packed = pack_constant(sgemm, view_of(b->data<float>().data(), depth, columns));
  }
  return [&sgemm, packed, node = request.node](RunContext& run) { run_float_matmul(sgemm, node, packed, run); };
}

std::vector<OutputType> infer_matmul(const InferRequest& request) {
  check_same_types(request, 2);
  return {infer_product(request, request.type(0))};
}

template <Step (*float32)(const PrepareRequest&), template <class> class Plain>
Step prepare_by_type(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return float32(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, float32);
    case DataType::float64:
      return Plain<double>::prepare(request);
    case DataType::int32:
      return Plain<std::int32_t>::prepare(request);
    case DataType::uint32:
      return Plain<std::uint32_t>::prepare(request);
    case DataType::int64:
      return Plain<std::int64_t>::prepare(request);
    case DataType::uint64:
      return Plain<std::uint64_t>::prepare(request);
    default:
      request.refuse(cat(request.node.type, " of ", name_of(request.type(0)), " is not supported"));
  }
}

template <class T>
struct PlainMatmul {
  static Step prepare(const PrepareRequest& request) { return prepare_plain_matmul<T>(request); }
};

struct GemmAttributes {
  bool transpose_a;
  bool transpose_b;
  float alpha;
  float beta;
  explicit GemmAttributes(const Node& node)
      : transpose_a(node.integer("transA", 0) != 0),
        transpose_b(node.integer("transB", 0) != 0),
        alpha(node.number("alpha", 1.0F)),
        beta(node.number("beta", 1.0F)) {}
};

MatrixSizes gemm_sizes(Shape a, Shape b, const GemmAttributes& attributes, const Node& node) {
  if (a.size() != 2 || b.size() != 2)
    throw_invalid(cat("Gemm of ", to_text(a), " and ", to_text(b), ": both must be matrices"), node.described());
  if (attributes.transpose_a) std::swap(a[0], a[1]);
  if (attributes.transpose_b) std::swap(b[0], b[1]);
  return matrix_sizes(a, b, node);
}

// C stretches over [M, N] in one direction only.
void check_addend(const Shape& c, const MatrixSizes& sizes, const Node& node) {
  bool fits = c.size() <= 2;
  for (std::size_t back = 1; fits && back <= c.size(); ++back) {
    const std::int64_t size = c[c.size() - back];
    const std::int64_t wanted = back == 1 ? sizes.columns : sizes.rows;
    fits = size == 1 || size < 0 || wanted < 0 || size == wanted;
  }
  if (!fits) throw_invalid(cat("C ", to_text(c), " does not stretch to ", to_text(sizes.output)), node.described());
}

std::vector<OutputType> infer_gemm(const InferRequest& request) {
  check_same_types(request, 3);
  OutputType output{.type = request.type(0), .shape = Shape{-1, -1}};
  if (request.shape(0) != nullptr && request.shape(1) != nullptr) {
    const MatrixSizes sizes = gemm_sizes(*request.shape(0), *request.shape(1), GemmAttributes(request.node), request.node);
    if (request.shape(2) != nullptr) check_addend(*request.shape(2), sizes, request.node);
    output.shape = sizes.output;
  }
  return {output};
}

// target = alpha * target + beta * c, c stretched.
template <class T>
void add_scaled(const MatrixSizes& sizes, T alpha, T beta, const Tensor* c, std::span<T> target) {
  if (c == nullptr || beta == T{0}) {
    for (T& element : target) element = static_cast<T>(element * alpha);
    return;
  }
  const std::span<const T> addend = c->data<T>();
  const Shape& shape = c->shape();
  const std::size_t column_step = !shape.empty() && shape.back() != 1 ? 1 : 0;
  const std::size_t row_step = shape.size() == 2 && shape[0] != 1 ? static_cast<std::size_t>(shape[1]) : 0;
  std::size_t index = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(sizes.rows); ++row) {
    for (std::size_t column = 0; column < static_cast<std::size_t>(sizes.columns); ++column, ++index) {
      target[index] =
          multiply_add(alpha, target[index], static_cast<T>(multiply_add(beta, addend[row * row_step + column * column_step], T{0})));
    }
  }
}

// What a Gemm's step knows before it runs.
struct PreparedGemm {
  Node node;
  GemmAttributes attributes;
  const kernels::SgemmKernels& sgemm;
  PackedColumns packed;
  kernels::Activation activation;
};

// C is one row for all rows of the product.
bool is_row(const Tensor& c, const MatrixSizes& sizes) {
  return !c.shape().empty() && c.shape().back() == sizes.columns && c.elements() == sizes.columns;
}

// The usual A * B + C: the sums start from C, and bounds are part of the tiles. What is left is done behind the product.
void run_float_gemm(const PreparedGemm& gemm, RunContext& run) {
  if (run.out().elements() == 0) return;
  const GemmAttributes& attributes = gemm.attributes;
  const MatrixSizes sizes = gemm_sizes(run.in(0).shape(), run.in(1).shape(), attributes, gemm.node);
  const std::span<float> target = run.out().mutable_data<float>();
  const Tensor* addend = run.has(2) ? &run.in(2) : nullptr;
  FloatOperands operands{.a = view_of(run.in(0).data<float>().data(), sizes.rows, sizes.depth, attributes.transpose_a),
                         .b = view_of(run.in(1).data<float>().data(), sizes.depth, sizes.columns, attributes.transpose_b),
                         .packed_b = gemm.packed ? gemm.packed->data() : nullptr,
                         .c = target.data()};
  const bool start_from_addend = attributes.alpha == 1.0F && addend != nullptr;
  if (start_from_addend && attributes.beta == 1.0F && is_row(*addend, sizes)) {
    operands.column_start = addend->data<float>().data();
  } else if (start_from_addend) {
    std::fill(target.begin(), target.end(), 0.0F);
    add_scaled(sizes, 0.0F, attributes.beta, addend, target);
    operands.accumulate = true;
  }
  const bool scaled_after = !start_from_addend && (addend != nullptr || attributes.alpha != 1.0F);
  const bool bounded = gemm.activation.kind == kernels::ActivationKind::clamp && !scaled_after;
  const float bounds[2] = {gemm.activation.first, gemm.activation.second};
  if (bounded) operands.bounds = bounds;
  multiply_floats(gemm.sgemm, operands, run.scratch.floats(product_scratch(gemm.sgemm, operands)).data());
  if (scaled_after) add_scaled(sizes, attributes.alpha, attributes.beta, addend, target);
  if (!bounded) kernels::Epilogue(selected_isa(), gemm.activation, nullptr).finish(target.data(), 0, target.size());
}

Step prepare_float_gemm(const PrepareRequest& request) {
  PreparedGemm gemm{.node = request.node,
                    .attributes = GemmAttributes(request.node),
                    .sgemm = kernels::sgemm_kernels(selected_isa()),
                    .packed = nullptr,
                    .activation = request.node.type == "FusedGemm" ? activation_of_gemm(request.node) : kernels::Activation{}};
  if (const Tensor* b = request.constant(1); b != nullptr && b->rank() == 2 && b->elements() > 0) {
    const bool transposed = gemm.attributes.transpose_b;
    const std::int64_t depth = b->shape()[transposed ? 1 : 0];
    gemm.packed = pack_constant(gemm.sgemm, view_of(b->data<float>().data(), depth, b->elements() / depth, transposed));
  }
  return [gemm = std::make_shared<const PreparedGemm>(std::move(gemm))](RunContext& run) { run_float_gemm(*gemm, run); };
}

template <class T>
struct PlainGemm {
  static Step prepare(const PrepareRequest& request) {
    return [node = request.node](RunContext& run) {
      const GemmAttributes attributes(node);
      const MatrixSizes sizes = gemm_sizes(run.in(0).shape(), run.in(1).shape(), attributes, node);
      const auto rows = static_cast<std::size_t>(sizes.rows);
      const auto depth = static_cast<std::size_t>(sizes.depth);
      const auto columns = static_cast<std::size_t>(sizes.columns);
      const std::span<T> target = run.out().mutable_data<T>();
      multiply_plainly<T>(sizes, {run.in(0).data<T>().data(), attributes.transpose_a ? 1 : depth, attributes.transpose_a ? rows : 1},
                          {run.in(1).data<T>().data(), attributes.transpose_b ? 1 : columns, attributes.transpose_b ? depth : 1},
                          target.data());
      add_scaled<T>(sizes, static_cast<T>(attributes.alpha), static_cast<T>(attributes.beta), run.has(2) ? &run.in(2) : nullptr, target);
    };
  }
};

std::vector<OutputType> infer_fused_gemm(const InferRequest& request) {
  (void)activation_of_gemm(request.node);
  return infer_gemm(request);
}

Step prepare_fused_gemm(const PrepareRequest& request) {
  if (request.type(0) != DataType::float32) request.refuse(cat("FusedGemm of ", name_of(request.type(0)), " is not supported"));
  return prepare_float_gemm(request);
}

constexpr OperatorDefinition rows[] = {
    {.type = "MatMul",
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_matmul,
     .prepare = prepare_by_type<prepare_float_matmul, PlainMatmul>},
    {.type = "Gemm",
     .first_opset = 7,
     .last_opset = 10,
     .least_inputs = 3,
     .most_inputs = 3,
     .infer = infer_gemm,
     .prepare = prepare_by_type<prepare_float_gemm, PlainGemm>},
    {.type = "Gemm",
     .first_opset = 11,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_gemm,
     .prepare = prepare_by_type<prepare_float_gemm, PlainGemm>},
    {.type = "FusedGemm",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_fused_gemm,
     .prepare = prepare_fused_gemm},
};

}  // namespace

Family matrix_product() { return rows; }

}  // namespace titrate::engine::ops
