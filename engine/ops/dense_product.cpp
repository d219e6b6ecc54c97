#include "engine/ops/dense_product.hpp"

#include "engine/base/cpu.hpp"
#include "engine/kernels/sgemm/matrix.hpp"

namespace titrate::engine::ops {
namespace {

kernels::MatrixView view_of(const StridedMatrix& matrix) {
  return {.elements = matrix.elements,
          .rows = matrix.rows,
          .columns = matrix.columns,
          .row_stride = matrix.row_stride,
          .column_stride = matrix.column_stride};
}

}  // namespace

PackedRight::PackedRight(const StridedMatrix& matrix) : rows_(matrix.rows), columns_(matrix.columns) {
  const kernels::SgemmKernels& kernels = kernels::sgemm_kernels(selected_isa());
  packed_.resize(kernels::packed_columns_size(kernels, rows_, columns_));
  kernels::pack_columns(kernels, view_of(matrix), packed_.data());
}

void multiply(const StridedMatrix& left, const PackedRight& right, std::vector<float>& scratch, std::span<float> product) {
  const kernels::SgemmKernels& kernels = kernels::sgemm_kernels(selected_isa());
  if (scratch.size() < left.rows * left.columns) scratch.resize(left.rows * left.columns);
  kernels::pack_rows(kernels, view_of(left), scratch.data());
  kernels::multiply(kernels, {.rows = left.rows,
                              .columns = right.columns(),
                              .depth = left.columns,
                              .a = scratch.data(),
                              .b = right.packed().data(),
                              .c = product.data(),
                              .c_stride = right.columns()});
}

}  // namespace titrate::engine::ops
