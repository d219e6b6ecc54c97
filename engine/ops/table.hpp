// The families of operators, one file each. A new operator is a row in its family's file; a new family is a file, a line here and one in
// table.cpp.
#pragma once

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

using Family = std::span<const OperatorDefinition>;

Family activation();
Family arithmetic();
Family attention();
Family block_quantized_product();
Family channel_blocks();
Family channel_blocks_convolution();
Family channel_blocks_pooling();
Family comparison();
Family concat();
Family constant();
Family convolution();
Family convolution_transpose();
Family cumulative();
Family einsum();
Family extremum();
Family gather();
Family identity();
Family integer_matrix_product();
Family logic();
Family math();
Family matrix_product();
Family normalization();
Family pad();
Family pooling();
Family q_linear_convolution();
Family q_linear_matrix_product();
Family quantize_linear();
Family quantized_activation();
Family quantized_arithmetic();
Family quantized_concat();
Family quantized_pooling();
Family quantized_softmax();
Family recurrent();
Family reduction();
Family reshape();
Family resize();
Family rms_normalization();
Family rotary_embedding();
Family scatter();
Family select();
Family slice();
Family softmax();
Family transpose();
Family variadic();

}  // namespace titrate::engine::ops
