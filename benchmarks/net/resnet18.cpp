#include "benchmarks/net/builder.hpp"
#include "benchmarks/net/networks.hpp"

namespace titrate::benchmarks {
namespace {

using engine::ValueId;

ValueId block(Builder& builder, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride) {
  const ValueId first = builder.relu(builder.convolution(x, in, out, 3, stride));
  const ValueId second = builder.convolution(first, out, out, 3, 1);
  const ValueId shortcut = stride == 1 && in == out ? x : builder.convolution(x, in, out, 1, stride);
  return builder.relu(builder.add("Add", {second, shortcut}));
}

}  // namespace

engine::Model resnet18() {
  Builder builder;
  ValueId x = builder.relu(builder.convolution(builder.image(), 3, 64, 7, 2));
  x = builder.add("MaxPool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  std::int64_t channels = 64;
  for (const auto& [out, stride] : {std::pair{64, 1}, {64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}}) {
    x = block(builder, x, channels, out, stride);
    channels = out;
  }
  x = builder.add("Flatten", {builder.add("GlobalAveragePool", {x})});
  return builder.finish(builder.add("Gemm", {x, builder.weights({512, 1000}, 512), builder.weights({1000}, 100)}));
}

}  // namespace titrate::benchmarks
