#include "benchmarks/net/builder.hpp"
#include "benchmarks/net/networks.hpp"

namespace titrate::benchmarks {
namespace {

using engine::ValueId;

ValueId pool(Builder& builder, ValueId x) {
  return builder.add("MaxPool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}}, {{"ceil_mode", 1}});
}

// 1x1 down to `narrow` channels, then 1x1 and 3x3 side by side, `wide` channels each.
ValueId fire(Builder& builder, ValueId x, std::int64_t in, std::int64_t narrow, std::int64_t wide) {
  const ValueId squeezed = builder.relu(builder.convolution(x, in, narrow, 1, 1));
  const ValueId one = builder.relu(builder.convolution(squeezed, narrow, wide, 1, 1));
  const ValueId three = builder.relu(builder.convolution(squeezed, narrow, wide, 3, 1));
  return builder.add("Concat", {one, three}, {}, {{"axis", 1}});
}

struct Stage {
  std::int64_t narrow, wide;
  bool pool_before;
};

}  // namespace

engine::Model squeezenet11() {
  constexpr Stage stages[] = {{16, 64, true},  {16, 64, false},  {32, 128, true},  {32, 128, false},
                              {48, 192, true}, {48, 192, false}, {64, 256, false}, {64, 256, false}};
  Builder builder;
  ValueId x = builder.relu(builder.convolution(builder.image(), 3, 64, 3, 2, 1, 0));
  std::int64_t channels = 64;
  for (const Stage& stage : stages) {
    if (stage.pool_before) x = pool(builder, x);
    x = fire(builder, x, channels, stage.narrow, stage.wide);
    channels = 2 * stage.wide;
  }
  x = builder.relu(builder.convolution(x, 512, 1000, 1, 1));
  return builder.finish(builder.add("Flatten", {builder.add("GlobalAveragePool", {x})}));
}

}  // namespace titrate::benchmarks
