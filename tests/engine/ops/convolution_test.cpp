#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "engine/kernels/convolution/plain.hpp"
#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

// The definition again, from ONNX's text and not from the kernels: sum over channels of the group and taps inside the padded image.
struct Reference {
  Shape input, weights, output;
  std::vector<std::int64_t> stride, dilation, begin;
  std::int64_t groups;
};

std::vector<std::int64_t> unravel(std::int64_t index, std::span<const std::int64_t> sizes) {
  std::vector<std::int64_t> position(sizes.size());
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    position[axis] = index % sizes[axis];
    index /= sizes[axis];
  }
  return position;
}

double convolve_one(const Reference& r, std::span<const double> x, std::span<const double> w, std::int64_t at) {
  const auto position = unravel(at, r.output);
  const std::span kernel = std::span(r.weights).subspan(2);
  const std::span image = std::span(r.input).subspan(2);
  const std::int64_t taps = element_count(kernel);
  double sum = 0;
  for (std::int64_t c = 0; c < r.weights[1]; ++c) {
    const std::int64_t channel = position[1] / (r.weights[0] / r.groups) * r.weights[1] + c;
    for (std::int64_t t = 0; t < taps; ++t) {
      const auto tap = unravel(t, kernel);
      std::int64_t index = position[0] * r.input[1] + channel;
      bool inside = true;
      for (std::size_t axis = 0; axis < kernel.size(); ++axis) {
        const std::int64_t in = position[axis + 2] * r.stride[axis] + tap[axis] * r.dilation[axis] - r.begin[axis];
        inside = inside && in >= 0 && in < image[axis];
        index = index * image[axis] + in;
      }
      if (inside) sum += x[static_cast<std::size_t>(index)] * w[static_cast<std::size_t>((position[1] * r.weights[1] + c) * taps + t)];
    }
  }
  return sum;
}

std::vector<float> floats(const Tensor& tensor) {
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

class RandomConvolution : public testing::TestWithParam<int> {};

TEST_P(RandomConvolution, EqualsTheDefinition) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const auto rank = static_cast<std::size_t>(pick(random, 1, 3));
  const std::int64_t groups = pick(random, 0, 2) == 0 ? pick(random, 1, 4) : 1;
  const bool depthwise = pick(random, 0, 3) == 0;
  Reference r;
  r.groups = depthwise ? pick(random, 2, 6) : groups;
  const std::int64_t channels = depthwise ? 1 : pick(random, 1, 5);
  r.weights = {r.groups * pick(random, 1, depthwise ? 2 : 17), channels};
  r.input = {pick(random, 1, 2), r.groups * channels};
  std::vector<std::int64_t> pads(2 * rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t kernel = pick(random, 1, 4);
    r.stride.push_back(pick(random, 1, 3));
    r.dilation.push_back(pick(random, 1, 3));
    r.weights.push_back(kernel);
    const std::int64_t extent = (kernel - 1) * r.dilation.back() + 1;
    r.input.push_back(pick(random, 1, rank == 3 ? 9 : (rank == 2 ? 24 : 150)));
    pads[axis] = pick(random, 0, 3);
    pads[axis + rank] = std::max(pick(random, 0, 3), extent - pads[axis] - r.input.back());
  }
  r.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  const Tensor x = random_floats(r.input, random);
  const Tensor w = random_floats(r.weights, random);
  const bool has_bias = pick(random, 0, 1) == 1;
  SingleNode node("Conv", 11, {x, w, has_bias ? std::optional(random_floats({r.weights[0]}, random)) : std::nullopt});
  node.set("pads", pads).set("strides", r.stride).set("dilations", r.dilation).set("group", r.groups);
  node.constants = pick(random, 0, 1) == 0 ? 0U : 2U;
  const Tensor y = node.run().at(0);
  r.output = y.shape();
  const auto wide_x = to_doubles(x);
  const auto wide_w = to_doubles(w);
  for (std::int64_t at = 0; at < y.elements(); ++at) {
    const auto filter = static_cast<std::size_t>(unravel(at, r.output)[1]);
    const double bias = has_bias ? to_doubles(*node.inputs[2])[filter] : 0;
    ASSERT_NEAR(y.data<float>()[static_cast<std::size_t>(at)], convolve_one(r, wide_x, wide_w, at) + bias, 2e-5)
        << "output " << at << " of " << to_text(r.output) << ", input " << to_text(r.input) << ", weights " << to_text(r.weights);
  }

  // The plain loops that float64 takes agree, and so do two threads, bit for bit.
  SingleNode wide = node;
  for (auto& input : wide.inputs) {
    if (input) input = to_double(*input);
  }
  const Tensor y64 = wide.run().at(0);
  for (std::size_t at = 0; at < static_cast<std::size_t>(y.elements()); ++at)
    ASSERT_NEAR(y64.data<double>()[at], y.data<float>()[at], 2e-5);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(threads == 1 ? 3 : 1);
  const Tensor again = node.run().at(0);
  omp_set_num_threads(threads);
  ASSERT_EQ(floats(y), floats(again));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomConvolution, testing::Range(0, 150));

TEST(Convolution, SamePaddingPutsTheOddZeroWhereItsNameSays) {
  // One row 1 2 3 4, kernel [1, 10]: the even total of padding is 1.
  const Tensor x = Tensor::of<float>({1, 1, 4}, std::vector<float>{1, 2, 3, 4});
  const Tensor w = Tensor::of<float>({1, 1, 2}, std::vector<float>{1, 10});
  SingleNode node("Conv", 11, {x, w});
  node.set("auto_pad", std::string("SAME_UPPER"));
  EXPECT_EQ(floats(node.run()[0]), (std::vector<float>{21, 32, 43, 4}));
  node.set("auto_pad", std::string("SAME_LOWER"));
  EXPECT_EQ(floats(node.run()[0]), (std::vector<float>{10, 21, 32, 43}));
  node.set("auto_pad", std::string("VALID"));
  EXPECT_EQ(floats(node.run()[0]), (std::vector<float>{21, 32, 43}));
}

TEST(Convolution, InfersWhatItCanFromPartialShapes) {
  SingleNode node("Conv", 11, {Tensor::zeros(DataType::float32, {2, 3, 8, 9}), Tensor::zeros(DataType::float32, {5, 3, 3, 3})});
  node.set("pads", std::vector<std::int64_t>{1, 1, 1, 1});
  EXPECT_EQ(*node.infer(SingleNode::Known::rank)[0].shape, (Shape{-1, -1, -1, -1}));
  auto operands = node.operands(SingleNode::Known::shapes);
  (*operands[0].shape)[0] = -1;
  (*operands[0].shape)[3] = -1;
  EXPECT_EQ(*infer_outputs(node.row(), {node.node, 11, operands})[0].shape, (Shape{-1, 5, 8, -1}));
}

TEST(Convolution, RefusesWhatDoesNotFit) {
  const auto refused = [](Shape input, Shape weights, std::int64_t groups, std::vector<std::int64_t> pads) {
    SingleNode node("Conv", 11, {Tensor::zeros(DataType::float32, std::move(input)), Tensor::zeros(DataType::float32, std::move(weights))});
    node.set("group", groups).set("pads", std::move(pads));
    EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
  };
  refused({1, 3, 8, 8}, {4, 2, 3, 3}, 1, {0, 0, 0, 0});                      // channels
  refused({1, 4, 8, 8}, {3, 2, 3, 3}, 2, {0, 0, 0, 0});                      // filters do not divide into groups
  refused({1, 3, 2, 8}, {4, 3, 3, 3}, 1, {0, 0, 0, 0});                      // window larger than the image
  refused({1, 3, 8, 8}, {4, 3, 3, 3}, 0, {0, 0, 0, 0});                      // no group
  refused({1, 3, 8, 8}, {4, 3, 3, 3}, 1, {0, 0, 0});                         // pads of another rank
  refused({1, 3, 8, 8}, {4, 3, 3, 3}, 1, {-1, 0, 0, 0});                     // negative pad
  refused({1, 3, 8, 8}, {4, 3, 3, 3}, 1, {std::int64_t{1} << 40, 0, 0, 0});  // absurd pad
  refused({1, 3, 8, 8}, {4, 3, 3}, 1, {0, 0});                               // rank
}

TEST(Convolution, HalfPrecisionRoundsTheFloatResultOnce) {
  std::mt19937 random(5);
  Tensor x = Tensor::uninitialized(DataType::bfloat16, {1, 1, 1, 1});
  x.mutable_bits<std::uint16_t>()[0] = 0x3f81;  // 1.0078125
  Tensor w = Tensor::uninitialized(DataType::bfloat16, {1, 1, 1, 1});
  w.mutable_bits<std::uint16_t>()[0] = 0x3f81;
  // The product 1.01568603515625 lies between 1.015625 (0x3f82) and 1.0234375: nearer the first.
  EXPECT_EQ(SingleNode("Conv", 22, {x, w}).run()[0].bits<std::uint16_t>()[0], 0x3f82);
}

}  // namespace
}  // namespace titrate::engine
