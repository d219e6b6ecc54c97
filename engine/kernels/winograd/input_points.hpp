// The input's transform along one axis, whatever lies in the registers. For the files of an instruction set only.
#pragma once

namespace titrate::kernels {
namespace {

// B^T x of four registers: (x0 - x2, x1 + x2, x2 - x1, x1 - x3).
template <class Register>
[[gnu::always_inline]] inline void input_points(const Register (&x)[4], Register (&points)[4]) {
  points[0] = x[0] - x[2];
  points[1] = x[1] + x[2];
  points[2] = x[2] - x[1];
  points[3] = x[1] - x[3];
}

}  // namespace
}  // namespace titrate::kernels
