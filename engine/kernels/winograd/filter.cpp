#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

// G x: (x0, (x0 + x1 + x2) / 2, (x0 - x1 + x2) / 2, x2).
void filter_points(const double (&x)[3], double (&points)[4]) {
  points[0] = x[0];
  points[1] = (x[0] + x[1] + x[2]) / 2;
  points[2] = (x[0] - x[1] + x[2]) / 2;
  points[3] = x[2];
}

}  // namespace

void winograd_filter(const float* taps, float* points) {
  double down[3][4];  // [column][point along the rows]
  for (int j = 0; j < 3; ++j) {
    filter_points({static_cast<double>(taps[j]), static_cast<double>(taps[3 + j]), static_cast<double>(taps[6 + j])}, down[j]);
  }
  for (int i = 0; i < 4; ++i) {
    double across[4];
    filter_points({down[0][i], down[1][i], down[2][i]}, across);
    for (int j = 0; j < 4; ++j) points[i * 4 + j] = static_cast<float>(across[j]);
  }
}

}  // namespace titrate::kernels
