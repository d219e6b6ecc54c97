#include "benchmarks/beside/cases.hpp"

#include <array>
#include <random>

namespace titrate::benchmarks {
namespace {

using engine::DataType;
using engine::Model;
using engine::Node;
using engine::Shape;
using engine::Tensor;
using engine::ValueId;

constexpr std::int64_t block = 32;

constexpr KernelCase product(std::string_view name, std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  return {.name = name, .kind = KernelKind::product, .rows = rows, .depth = depth, .columns = columns};
}

constexpr KernelCase convolution(std::string_view name, std::int64_t channels, std::int64_t size, std::int64_t filters, std::int64_t kernel,
                                 std::int64_t stride, std::int64_t groups = 1) {
  return {.name = name,
          .kind = KernelKind::convolution,
          .channels = channels,
          .size = size,
          .filters = filters,
          .kernel = kernel,
          .stride = stride,
          .pad = kernel / 2,
          .groups = groups};
}

constexpr KernelCase packed(std::string_view name, std::int64_t rows, std::int64_t chain = 1) {
  return {.name = name, .kind = KernelKind::packed_product, .rows = rows, .depth = 4096, .columns = 4096, .chain = chain};
}

constexpr std::array cases = {
    product("256x256x256", 256, 256, 256),
    product("1024x1024x1024", 1024, 1024, 1024),
    product("1x4096x4096", 1, 4096, 4096),
    product("16x4096x4096", 16, 4096, 4096),
    product("128x768x3072", 128, 768, 3072),
    product("49x512x2048", 49, 512, 2048),
    convolution("3x3 64->64 at 56", 64, 56, 64, 3, 1),
    convolution("3x3 256->256 at 14", 256, 14, 256, 3, 1),
    convolution("1x1 64->256 at 56", 64, 56, 256, 1, 1),
    convolution("3x3 stride 2 128->256 at 28", 128, 28, 256, 3, 2),
    convolution("7x7 stride 2 3->64 at 224", 3, 224, 64, 7, 2),
    convolution("3x3 stride 2 3->32 at 224", 3, 224, 32, 3, 2),
    convolution("depthwise 3x3 144 at 56", 144, 56, 144, 3, 1, 144),
    convolution("depthwise 3x3 960 at 7", 960, 7, 960, 3, 1, 960),
    packed("4-bit M=1", 1),
    packed("4-bit M=1 from DRAM", 1, 12),
    packed("4-bit M=16", 16),
    packed("4-bit M=128", 128),
};

// Builds the few nodes of a case.
class Maker {
 public:
  explicit Maker(std::int64_t opset) {
    model_.ir_version = 8;
    model_.set_opset("", opset);
    model_.set_opset("com.microsoft", 1);
  }

  ValueId input(DataType type, const Shape& shape) {
    const ValueId id = model_.graph.add_value("x", info(type, shape));
    model_.graph.inputs = {id};
    return id;
  }
  template <class T, class Make>
  ValueId constant(const Shape& shape, const Make& make) {
    Tensor tensor = Tensor::uninitialized(engine::data_type_of<T>, shape);
    for (T& element : tensor.mutable_data<T>()) element = static_cast<T>(make());
    return model_.graph.add_constant(name("c"), std::move(tensor));
  }
  template <class T>
  ValueId all(const Shape& shape, T value) {
    return constant<T>(shape, [value] { return value; });
  }
  ValueId random_floats(const Shape& shape) {
    std::normal_distribution<float> normal(0.0F, 0.05F);
    return constant<float>(shape, [&] { return normal(random_); });
  }
  ValueId random_int8(const Shape& shape) {
    return constant<std::int8_t>(shape, [this] { return static_cast<int>(random_() % 255) - 127; });
  }
  ValueId random_bytes(const Shape& shape) {
    return constant<std::uint8_t>(shape, [this] { return random_() & 255U; });
  }
  Node& node(const std::string& type, std::vector<ValueId> inputs, const std::string& domain = {}) {
    Node node;
    node.type = type;
    node.domain = domain;
    node.name = name(type);
    node.inputs = std::move(inputs);
    node.outputs = {model_.graph.add_value(name("v"))};
    model_.graph.nodes.push_back(std::move(node));
    return model_.graph.nodes.back();
  }
  [[nodiscard]] ValueId last() const { return model_.graph.nodes.back().outputs[0]; }
  Model finish(DataType type, const Shape& shape) {
    model_.graph[last()].info = info(type, shape);
    model_.graph.outputs = {last()};
    return std::move(model_);
  }

 private:
  static engine::ValueInfo info(DataType type, const Shape& shape) {
    engine::ValueInfo result{.type = type, .shape = std::vector<engine::Dimension>{}};
    for (const std::int64_t size : shape) result.shape->push_back({.size = size, .symbol = {}});
    return result;
  }
  std::string name(const std::string& stem) { return stem + std::to_string(next_++); }

  Model model_;
  std::mt19937 random_{11};
  int next_ = 0;
};

constexpr float input_scale = 0.02F;
constexpr float weight_scale = 0.01F;
constexpr float output_scale = 2.0F;

Shape input_shape(const KernelCase& kernel) {
  if (kernel.kind == KernelKind::convolution) return {1, kernel.channels, kernel.size, kernel.size};
  return {kernel.rows, kernel.depth};
}

Shape output_shape(const KernelCase& kernel) {
  if (kernel.kind == KernelKind::convolution) return {1, kernel.filters, kernel.output_size(), kernel.output_size()};
  return {kernel.rows, kernel.columns};
}

Shape weight_shape(const KernelCase& kernel) {
  if (kernel.kind == KernelKind::convolution) return {kernel.filters, kernel.channels / kernel.groups, kernel.kernel, kernel.kernel};
  return {kernel.depth, kernel.columns};
}

std::int64_t output_channels(const KernelCase& kernel) { return kernel.kind == KernelKind::convolution ? kernel.filters : kernel.columns; }

void set_convolution(Node& node, const KernelCase& kernel) {
  using Integers = std::vector<std::int64_t>;
  node.set("kernel_shape", Integers{kernel.kernel, kernel.kernel});
  node.set("strides", Integers{kernel.stride, kernel.stride});
  node.set("pads", Integers(4, kernel.pad));
  node.set("group", kernel.groups);
}

Model float_model(const KernelCase& kernel) {
  Maker maker(13);
  const ValueId x = maker.input(DataType::float32, input_shape(kernel));
  const ValueId w = maker.random_floats(weight_shape(kernel));
  if (kernel.kind == KernelKind::convolution) {
    set_convolution(maker.node("Conv", {x, w, maker.random_floats({kernel.filters})}), kernel);
  } else {
    maker.node("MatMul", {x, w});
  }
  return maker.finish(DataType::float32, output_shape(kernel));
}

Model int8_model(const KernelCase& kernel) {
  Maker maker(13);
  const bool is_convolution = kernel.kind == KernelKind::convolution;
  const auto zero = static_cast<std::uint8_t>(is_convolution ? 0 : 128);
  const std::int64_t channels = output_channels(kernel);
  const ValueId x = maker.input(DataType::uint8, input_shape(kernel));
  std::vector<ValueId> inputs = {x,
                                 maker.all({}, input_scale),
                                 maker.all({}, zero),
                                 maker.random_int8(weight_shape(kernel)),
                                 maker.all({channels}, weight_scale),
                                 maker.all({channels}, std::int8_t{0}),
                                 maker.all({}, output_scale),
                                 maker.all({}, zero)};
  if (is_convolution) inputs.push_back(maker.all({channels}, std::int32_t{0}));
  Node& node = maker.node(is_convolution ? "QLinearConv" : "QLinearMatMul", inputs);
  if (is_convolution) set_convolution(node, kernel);
  return maker.finish(DataType::uint8, output_shape(kernel));
}

Model sums_model(const KernelCase& kernel) {
  Maker maker(13);
  const ValueId x = maker.input(DataType::uint8, input_shape(kernel));
  maker.node("MatMulInteger", {x, maker.random_int8(weight_shape(kernel)), maker.all({}, std::uint8_t{128})});
  return maker.finish(DataType::int32, output_shape(kernel));
}

Model packed_model(const KernelCase& kernel, std::int64_t accuracy_level) {
  Maker maker(13);
  ValueId x = maker.input(DataType::float32, input_shape(kernel));
  const std::int64_t blocks = kernel.depth / block;
  for (std::int64_t link = 0; link < kernel.chain; ++link) {
    const ValueId weights = maker.random_bytes({kernel.columns, blocks, block / 2});
    const ValueId scales = maker.all({kernel.columns * blocks}, 0.003F);
    Node& node = maker.node("MatMulNBits", {x, weights, scales}, "com.microsoft");
    node.set("K", kernel.depth);
    node.set("N", kernel.columns);
    node.set("bits", std::int64_t{4});
    node.set("block_size", block);
    node.set("accuracy_level", accuracy_level);
    x = maker.last();
  }
  return maker.finish(DataType::float32, output_shape(kernel));
}

double elements(const Shape& shape) {
  double product = 1;
  for (const std::int64_t size : shape) product *= static_cast<double>(size);
  return product;
}

}  // namespace

std::span<const KernelCase> kernel_cases() { return cases; }

std::string_view name_of(KernelType type) {
  constexpr std::array<std::string_view, 5> names{"f32", "i8", "i8 sums", "4-bit", "4-bit i8"};
  return names.at(static_cast<std::size_t>(type));
}

std::vector<KernelType> types_of(const KernelCase& kernel) {
  if (kernel.kind == KernelKind::product) return {KernelType::float32, KernelType::int8, KernelType::int8_sums};
  if (kernel.kind == KernelKind::convolution) return {KernelType::float32, KernelType::int8};
  if (kernel.chain > 1) return {KernelType::int4_int8};
  return {KernelType::int4, KernelType::int4_int8};
}

double operations_of(const KernelCase& kernel) {
  const double each = kernel.kind == KernelKind::convolution
                          ? elements(weight_shape(kernel)) * static_cast<double>(kernel.output_size() * kernel.output_size())
                          : static_cast<double>(kernel.rows) * elements(weight_shape(kernel));
  return 2 * each * static_cast<double>(kernel.chain);
}

double bytes_of(const KernelCase& kernel, KernelType type) {
  const double in = elements(input_shape(kernel));
  const double weights = elements(weight_shape(kernel));
  const double out = elements(output_shape(kernel));
  double bytes = 0;
  switch (type) {
    case KernelType::float32:
      bytes = 4 * (in + weights + out);
      break;
    case KernelType::int8:
      bytes = in + weights + out;
      break;
    case KernelType::int8_sums:
      bytes = in + weights + 4 * out;
      break;
    case KernelType::int4:
    case KernelType::int4_int8:
      bytes = 4 * in + weights * (0.5 + 4.0 / block) + 4 * out;
      break;
  }
  return bytes * static_cast<double>(kernel.chain);
}

Model kernel_model(const KernelCase& kernel, KernelType type) {
  switch (type) {
    case KernelType::float32:
      return float_model(kernel);
    case KernelType::int8:
      return int8_model(kernel);
    case KernelType::int8_sums:
      return sums_model(kernel);
    case KernelType::int4:
      return packed_model(kernel, 0);
    case KernelType::int4_int8:
      break;
  }
  return packed_model(kernel, 4);
}

Model kernel_model_qdq(const KernelCase& kernel) {
  Maker maker(13);
  const bool is_convolution = kernel.kind == KernelKind::convolution;
  const auto zero = static_cast<std::uint8_t>(is_convolution ? 0 : 128);
  const std::int64_t channels = output_channels(kernel);
  const ValueId scale = maker.all({}, input_scale);
  const ValueId zeros = maker.all({}, zero);
  const ValueId codes = maker.input(DataType::uint8, input_shape(kernel));
  maker.node("DequantizeLinear", {codes, scale, zeros});
  const ValueId x = maker.last();
  Node& weights = maker.node("DequantizeLinear", {maker.random_int8(weight_shape(kernel)), maker.all({channels}, weight_scale),
                                                  maker.all({channels}, std::int8_t{0})});
  weights.set("axis", std::int64_t{is_convolution ? 0 : 1});
  const ValueId w = maker.last();
  if (is_convolution) {
    set_convolution(maker.node("Conv", {x, w}), kernel);
  } else {
    maker.node("MatMul", {x, w});
  }
  const ValueId y = maker.last();
  maker.node("QuantizeLinear", {y, maker.all({}, output_scale), zeros});
  return maker.finish(DataType::uint8, output_shape(kernel));
}

}  // namespace titrate::benchmarks
