// Convolutions of codes in both layouts, against exact integers and the formula written out.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

struct Case {
  std::string name;
  DataType x = DataType::uint8, w = DataType::int8, y = DataType::uint8;
  std::int64_t batch = 1, groups = 1, channels = 1, filters = 1;  // channels and filters in one group
  std::vector<std::int64_t> input{}, kernel{};
  std::vector<std::int64_t> strides{}, dilations{}, pads{};  // empty: 1, 1, 0
  int x_zero = 0, y_zero = 0, w_zero = 0;
  bool per_channel = true;
  bool bias = true;
};

std::vector<Case> cases() {
  const DataType u8 = DataType::uint8, s8 = DataType::int8;
  return {
      {.name = "3x3 padded", .channels = 5, .filters = 7, .input = {6, 9}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .x_zero = 255},
      {.name = "1x1", .batch = 2, .channels = 67, .filters = 33, .input = {5, 7}, .kernel = {1, 1}, .x_zero = 3},
      {.name = "1x1 strided", .channels = 8, .filters = 5, .input = {7, 8}, .kernel = {1, 1}, .strides = {2, 3}, .x_zero = 9},
      {.name = "one channel, one filter", .w = u8, .input = {4, 4}, .kernel = {1, 1}, .w_zero = 128},
      {.name = "s8 grouped",
       .x = s8,
       .y = s8,
       .batch = 2,
       .groups = 3,
       .channels = 4,
       .filters = 5,
       .input = {5, 6},
       .kernel = {3, 2},
       .strides = {1, 2},
       .pads = {0, 1, 1, 0},
       .x_zero = -128,
       .y_zero = -128},
      {.name = "depthwise",
       .groups = 19,
       .input = {8, 9},
       .kernel = {3, 3},
       .strides = {2, 2},
       .pads = {1, 1, 1, 1},
       .x_zero = 128,
       .y_zero = 255},
      {.name = "depthwise, two filters a channel", .x = s8, .groups = 6, .filters = 2, .input = {5, 5}, .kernel = {3, 3}, .x_zero = 127},
      {.name = "stem 7x7",
       .channels = 3,
       .filters = 16,
       .input = {23, 21},
       .kernel = {7, 7},
       .strides = {2, 2},
       .pads = {3, 3, 3, 3},
       .x_zero = 114,
       .y_zero = 17},
      {.name = "dilated u8 weights",
       .w = u8,
       .channels = 16,
       .filters = 40,
       .input = {11, 10},
       .kernel = {3, 3},
       .dilations = {2, 3},
       .pads = {2, 3, 2, 3},
       .x_zero = 77,
       .w_zero = 120},
      {.name = "padding wider than the image",
       .channels = 4,
       .filters = 3,
       .input = {1, 2},
       .kernel = {3, 3},
       .pads = {2, 3, 2, 3},
       .x_zero = 200},
      {.name = "1-D",
       .x = s8,
       .w = s8,
       .y = s8,
       .channels = 6,
       .filters = 9,
       .input = {31},
       .kernel = {5},
       .strides = {2},
       .pads = {2, 2},
       .x_zero = 5,
       .y_zero = 3,
       .per_channel = false},
      {.name = "3-D",
       .channels = 3,
       .filters = 4,
       .input = {4, 5, 3},
       .kernel = {2, 3, 2},
       .pads = {1, 0, 1, 0, 1, 0},
       .x_zero = 1,
       .bias = false},
      {.name = "many channels",
       .channels = 130,
       .filters = 66,
       .input = {5, 5},
       .kernel = {3, 3},
       .pads = {1, 1, 1, 1},
       .x_zero = 128,
       .y_zero = 128},
      {.name = "empty batch", .batch = 0, .channels = 3, .filters = 4, .input = {4, 4}, .kernel = {3, 3}, .x_zero = 1},
  };
}

Tensor random_codes(DataType type, Shape shape, std::mt19937& random) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  for (auto& byte : tensor.mutable_bits<std::uint8_t>()) {
    const auto draw = random();
    byte = static_cast<std::uint8_t>(draw % 4 == 0 ? 255 : draw % 4 == 1 ? 128 : draw >> 8);
  }
  return tensor;
}

std::int32_t code(const Tensor& tensor, std::size_t index) {
  return tensor.type() == DataType::int8 ? tensor.data<std::int8_t>()[index] : tensor.data<std::uint8_t>()[index];
}

Tensor filled(DataType type, Shape shape, int value) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  for (auto& byte : tensor.mutable_bits<std::uint8_t>()) byte = static_cast<std::uint8_t>(value);
  return tensor;
}

Shape joined(std::int64_t first, std::int64_t second, const std::vector<std::int64_t>& space) {
  Shape shape{first, second};
  shape.insert(shape.end(), space.begin(), space.end());
  return shape;
}

// Index of (image, channel, position) in a tensor of either layout.
std::size_t at(const Shape& first, bool last, std::int64_t image, std::int64_t channel, std::int64_t position) {
  const std::int64_t space = element_count(Shape(first.begin() + 2, first.end()));
  return static_cast<std::size_t>(last ? (image * space + position) * first[1] + channel : (image * first[1] + channel) * space + position);
}

Tensor to_last(const Tensor& tensor) {
  Shape shape = tensor.shape();
  std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  Tensor result = Tensor::uninitialized(tensor.type(), shape);
  const Shape& first = tensor.shape();
  const std::int64_t space = element_count(Shape(first.begin() + 2, first.end()));
  for (std::int64_t image = 0; image < first[0]; ++image) {
    for (std::int64_t channel = 0; channel < first[1]; ++channel) {
      for (std::int64_t position = 0; position < space; ++position) {
        result.mutable_bits<std::uint8_t>()[at(first, true, image, channel, position)] =
            tensor.bits<std::uint8_t>()[at(first, false, image, channel, position)];
      }
    }
  }
  return result;
}

struct Parts {
  Case one;
  Tensor x, w, w_scale, w_zero;
  std::vector<std::int32_t> bias;

  Parts(const Case& given, std::mt19937& random)
      : one(given),
        x(random_codes(one.x, joined(one.batch, one.groups * one.channels, one.input), random)),
        w(random_codes(one.w, joined(one.groups * one.filters, one.channels, one.kernel), random)),
        w_scale(random_floats(one.per_channel ? Shape{one.groups * one.filters} : Shape{}, random, 0.01F, 0.03F)),
        w_zero(filled(one.w, one.per_channel ? Shape{one.groups * one.filters} : Shape{}, one.w_zero)),
        bias(static_cast<std::size_t>(one.groups * one.filters)) {
    for (auto& element : bias) element = one.bias ? static_cast<std::int32_t>(random() % 20000) - 10000 : 0;
  }
  [[nodiscard]] std::int64_t setting(const std::vector<std::int64_t>& list, std::size_t axis, std::int64_t absent) const {
    return list.empty() ? absent : list[axis];
  }
  // The sum for one output of the channels-first output.
  [[nodiscard]] std::int32_t sum(std::int64_t image, std::int64_t filter, const std::vector<std::int64_t>& position) const {
    std::int64_t total = bias[static_cast<std::size_t>(filter)];
    const std::int64_t taps = element_count(one.kernel);
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      std::int64_t rest = tap, index = 0, stride = 1;
      bool inside = true;
      for (std::size_t axis = one.kernel.size(); axis-- > 0;) {
        const std::int64_t own = rest % one.kernel[axis];
        rest /= one.kernel[axis];
        const std::int64_t in =
            position[axis] * setting(one.strides, axis, 1) + own * setting(one.dilations, axis, 1) - setting(one.pads, axis, 0);
        inside = inside && in >= 0 && in < one.input[axis];
        index += in * stride;
        stride *= one.input[axis];
      }
      if (!inside) continue;
      for (std::int64_t channel = 0; channel < one.channels; ++channel) {
        const std::int64_t of_x = filter / one.filters * one.channels + channel;
        const auto of_w = static_cast<std::size_t>((filter * one.channels + channel) * taps + tap);
        total +=
            static_cast<std::int64_t>(code(x, at(x.shape(), false, image, of_x, index)) - one.x_zero) * (code(w, of_w) - code(w_zero, 0));
      }
    }
    return static_cast<std::int32_t>(total);
  }
  void set_window(SingleNode& node) const {
    node.set("group", one.groups);
    node.set("kernel_shape", one.kernel);
    if (!one.strides.empty()) node.set("strides", one.strides);
    if (!one.dilations.empty()) node.set("dilations", one.dilations);
    if (!one.pads.empty()) node.set("pads", one.pads);
  }
};

// Calls body(image, filter, position in space, index in space).
template <class Body>
void for_each_output(const Shape& first, const Body& body) {
  const Shape space(first.begin() + 2, first.end());
  for (std::int64_t image = 0; image < first[0]; ++image) {
    for (std::int64_t filter = 0; filter < first[1]; ++filter) {
      for (std::int64_t index = 0; index < element_count(space); ++index) {
        std::vector<std::int64_t> position(space.size());
        std::int64_t rest = index;
        for (std::size_t axis = space.size(); axis-- > 0; rest /= space[axis]) position[axis] = rest % space[axis];
        body(image, filter, position, index);
      }
    }
  }
}

TEST(QLinearConv, EqualsExactIntegersInBothLayouts) {
  std::mt19937 random(11);
  for (const Case& one : cases()) {
    const Parts parts(one, random);
    const float x_scale = 0.02F;
    const float y_scale = 0.04F * std::sqrt(static_cast<float>(one.channels * element_count(one.kernel)));
    for (const bool last : {false, true}) {
      for (const unsigned constants : {~1U, 0U}) {
        SingleNode node("QLinearConv", last ? 1 : 10,
                        {last ? to_last(parts.x) : parts.x, Tensor::scalar(x_scale), filled(one.x, {}, one.x_zero), parts.w, parts.w_scale,
                         parts.w_zero, Tensor::scalar(y_scale), filled(one.y, {}, one.y_zero)});
        if (one.bias) {
          node.inputs.emplace_back(Tensor::of<std::int32_t>({static_cast<std::int64_t>(parts.bias.size())}, parts.bias));
          node.node.inputs.push_back(static_cast<ValueId>(8));
        }
        node.constants = constants;
        if (last) {
          node.node.domain = "com.microsoft";
          node.set("channels_last", std::int64_t{1});
        }
        parts.set_window(node);
        const Tensor y = node.run()[0];
        ASSERT_EQ(y.type(), one.y);
        Shape first = y.shape();
        if (last) std::rotate(first.begin() + 1, first.end() - 1, first.end());
        const double lowest = one.y == DataType::int8 ? -128 : 0;
        for_each_output(first, [&](std::int64_t image, std::int64_t filter, const std::vector<std::int64_t>& position, std::int64_t index) {
          const float multiplier = x_scale * parts.w_scale.data<float>()[one.per_channel ? static_cast<std::size_t>(filter) : 0] / y_scale;
          const float product = static_cast<float>(parts.sum(image, filter, position)) * multiplier;
          const double expected = std::clamp(std::nearbyint(static_cast<double>(product)) + one.y_zero, lowest, lowest + 255);
          ASSERT_EQ(code(y, at(first, last, image, filter, index)), expected)
              << one.name << (last ? ", channels last" : "") << " filter " << filter << " at " << index;
        });
      }
    }
  }
}

TEST(ConvInteger, GivesTheExactSums) {
  std::mt19937 random(12);
  for (Case one : cases()) {
    one.bias = false;
    const Parts parts(one, random);
    SingleNode node("ConvInteger", 10, {parts.x, parts.w, filled(one.x, {}, one.x_zero), parts.w_zero});
    parts.set_window(node);
    const Tensor y = node.run()[0];
    for_each_output(y.shape(), [&](std::int64_t image, std::int64_t filter, const std::vector<std::int64_t>& position, std::int64_t index) {
      ASSERT_EQ(y.data<std::int32_t>()[at(y.shape(), false, image, filter, index)], parts.sum(image, filter, position)) << one.name;
    });
  }
}

TEST(QLinearConv, RefusesParametersThatFitNoFilter) {
  const Tensor number = Tensor::scalar(1.0F);
  const Tensor zero = filled(DataType::uint8, {}, 0);
  const Tensor x = Tensor::zeros(DataType::uint8, {1, 2, 3, 3});
  const Tensor w = Tensor::zeros(DataType::uint8, {4, 2, 1, 1});
  const Tensor three = Tensor::of<float>({3}, std::vector<float>{1, 2, 3});
  EXPECT_THROW((void)SingleNode("QLinearConv", 10, {x, number, zero, w, three, zero, number, zero}).run(), Error);
  EXPECT_THROW((void)SingleNode("QLinearConv", 10, {x, number, zero, w, number, zero, number, number}).run(), Error);
  EXPECT_THROW((void)SingleNode("QLinearConv", 10, {x, number, filled(DataType::int8, {}, 0), w, number, zero, number, zero}).run(), Error);
}

}  // namespace
}  // namespace titrate::engine
