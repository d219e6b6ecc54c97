// Columns side by side as a template; see softmax.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/softmax/row.hpp"

namespace titrate::kernels {
namespace {

// W columns, `pitch` floats from row to row.
template <int W>
[[gnu::always_inline]] inline void softmax_lanes(const float* source, float* target, std::size_t size, std::size_t pitch, bool logarithm) {
  FloatLanes<W> largest = load<W>(source);
  for (std::size_t i = 1; i < size; ++i) {
    const FloatLanes<W> next = load<W>(source + i * pitch);
    largest = largest < next ? next : largest;
  }
  FloatLanes<W> sum = broadcast<W>(0.0F);
  for (std::size_t i = 0; i < size; ++i) {
    const FloatLanes<W> shifted = load<W>(source + i * pitch) - largest;
    const FloatLanes<W> power = exp_lanes<W>(shifted);
    sum += power;
    store<W>(target + i * pitch, logarithm ? shifted : power);
  }
  if (logarithm) {
    FloatLanes<W> logarithms;
    for (int lane = 0; lane < W; ++lane) logarithms[lane] = __builtin_logf(sum[lane]);
    for (std::size_t i = 0; i < size; ++i) store<W>(target + i * pitch, load<W>(target + i * pitch) - logarithms);
  } else {
    for (std::size_t i = 0; i < size; ++i) store<W>(target + i * pitch, load<W>(target + i * pitch) / sum);
  }
}

// Fewer columns than a register holds: the same with rows that are filled up with zeros.
template <int W>
[[gnu::always_inline]] inline void softmax_narrow(const float* source, float* target, std::size_t size, std::size_t pitch,
                                                  std::size_t columns, bool logarithm) {
  const auto narrow = [columns](const float* row) {
    float lanes[W] = {};
    for (std::size_t lane = 0; lane < columns; ++lane) lanes[lane] = row[lane];
    return load<W>(lanes);
  };
  const auto keep = [columns](float* row, FloatLanes<W> lanes) {
    for (std::size_t lane = 0; lane < columns; ++lane) row[lane] = lanes[lane];
  };
  FloatLanes<W> largest = narrow(source);
  for (std::size_t i = 1; i < size; ++i) {
    const FloatLanes<W> next = narrow(source + i * pitch);
    largest = largest < next ? next : largest;
  }
  FloatLanes<W> sum = broadcast<W>(0.0F);
  for (std::size_t i = 0; i < size; ++i) {
    const FloatLanes<W> shifted = narrow(source + i * pitch) - largest;
    const FloatLanes<W> power = exp_lanes<W>(shifted);
    sum += power;
    keep(target + i * pitch, logarithm ? shifted : power);
  }
  FloatLanes<W> logarithms = sum;
  for (std::size_t lane = 0; logarithm && lane < columns; ++lane) logarithms[lane] = __builtin_logf(sum[lane]);
  for (std::size_t i = 0; i < size; ++i) {
    const FloatLanes<W> row = narrow(target + i * pitch);
    keep(target + i * pitch, logarithm ? row - logarithms : row / sum);
  }
}

template <int W>
void softmax_columns(const float* source, float* target, std::size_t size, std::size_t columns, bool logarithm) noexcept {
  std::size_t done = 0;
  for (; done + W <= columns; done += W) softmax_lanes<W>(source + done, target + done, size, columns, logarithm);
  if (done < columns) softmax_narrow<W>(source + done, target + done, size, columns, columns - done, logarithm);
}

template <int W>
constexpr SoftmaxKernels softmax_kernels_of() {
  return {softmax_row<W>, log_softmax_row<W>, softmax_columns<W>};
}

}  // namespace
}  // namespace titrate::kernels
