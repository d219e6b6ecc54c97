#include "benchmarks/net/builder.hpp"
#include "benchmarks/net/networks.hpp"

namespace titrate::benchmarks {
namespace {

using engine::ValueId;

ValueId relu6(Builder& builder, ValueId x) { return builder.add("Clip", {x, builder.scalar(0), builder.scalar(6)}); }

// 1x1 up to `wide` channels, depthwise 3x3, 1x1 down without an activation.
ValueId block(Builder& builder, ValueId x, std::int64_t in, std::int64_t wide, std::int64_t out, std::int64_t stride) {
  ValueId y = wide == in ? x : relu6(builder, builder.convolution(x, in, wide, 1, 1));
  y = relu6(builder, builder.convolution(y, wide, wide, 3, stride, wide));
  y = builder.convolution(y, wide, out, 1, 1);
  return stride == 1 && in == out ? builder.add("Add", {x, y}) : y;
}

struct Stage {
  std::int64_t expansion, channels, blocks, stride;
};

}  // namespace

engine::Model mobilenet_v2() {
  // Table 2 of arXiv:1801.04381.
  constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  Builder builder;
  ValueId x = relu6(builder, builder.convolution(builder.image(), 3, 32, 3, 2));
  std::int64_t channels = 32;
  for (const Stage& stage : stages) {
    for (std::int64_t index = 0; index < stage.blocks; ++index) {
      x = block(builder, x, channels, channels * stage.expansion, stage.channels, index == 0 ? stage.stride : 1);
      channels = stage.channels;
    }
  }
  x = relu6(builder, builder.convolution(x, 320, 1280, 1, 1));
  x = builder.add("Flatten", {builder.add("GlobalAveragePool", {x})});
  return builder.finish(builder.add("Gemm", {x, builder.weights({1280, 1000}, 1280), builder.weights({1000}, 100)}));
}

}  // namespace titrate::benchmarks
