// Eigen's float32 product, in a library of its own: compiled for this very processor, and none of its inline functions may be linked
// into anything else.
#pragma once

#include <cstddef>

extern "C" [[gnu::visibility("default")]] void eigen_product(const float* left, const float* right, float* result, std::ptrdiff_t rows,
                                                             std::ptrdiff_t depth, std::ptrdiff_t columns, int threads);
