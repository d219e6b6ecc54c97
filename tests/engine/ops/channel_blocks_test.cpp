// Operators in blocks of channels: the order of the numbers, what they refuse, and pooling against the operators on planes.
#include "engine/ops/channel_blocks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/engine/ops/single_node.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;

std::int64_t lanes() { return ops::block_lanes(); }

SingleNode in_blocks(const std::string& type, std::vector<std::optional<Tensor>> inputs) {
  SingleNode node(type, 1, std::move(inputs));
  node.node.domain = ops::blocks_domain;
  node.set("lanes", lanes());
  return node;
}

Tensor to_blocks(const Tensor& planes) { return in_blocks("ToBlocks", {planes}).run().at(0); }
Tensor from_blocks(const Tensor& blocks, std::int64_t channels) {
  return in_blocks("FromBlocks", {blocks}).set("channels", channels).run().at(0);
}

void expect_same_bits(const Tensor& expected, const Tensor& found) {
  ASSERT_EQ(expected.shape(), found.shape());
  EXPECT_EQ(std::memcmp(expected.bytes().data(), found.bytes().data(), expected.bytes().size()), 0);
}

TEST(ChannelBlocksOperators, ABlockHoldsTheChannelsOfAPixelSideBySide) {
  for (const std::int64_t channels : {std::int64_t{1}, lanes() - 1, lanes(), lanes() + 1, 3 * lanes() - 2}) {
    SCOPED_TRACE(channels);
    const Tensor planes = numbers({2, channels, 3, 5});
    const Tensor blocks = to_blocks(planes);
    const std::int64_t count = (channels + lanes() - 1) / lanes();
    ASSERT_EQ(blocks.shape(), (Shape{2, count, 3, 5, lanes()}));
    for (std::int64_t image = 0; image < 2; ++image) {
      for (std::int64_t channel = 0; channel < count * lanes(); ++channel) {
        for (std::int64_t pixel = 0; pixel < 15; ++pixel) {
          const auto at = static_cast<std::size_t>(((image * count + channel / lanes()) * 15 + pixel) * lanes() + channel % lanes());
          const auto from = static_cast<std::size_t>((image * channels + channel) * 15 + pixel);
          ASSERT_EQ(blocks.data<float>()[at], channel < channels ? planes.data<float>()[from] : 0.0F);
        }
      }
    }
    expect_same_bits(planes, from_blocks(blocks, channels));
  }
}

TEST(ChannelBlocksOperators, NothingOfNothing) {
  EXPECT_EQ(to_blocks(numbers({0, 3, 4, 4})).shape(), (Shape{0, 1, 4, 4, lanes()}));
  EXPECT_EQ(from_blocks(numbers({2, 1, 0, 4, lanes()}), 3).shape(), (Shape{2, 3, 0, 4}));
}

TEST(ChannelBlocksOperators, RefuseOtherShapesAndOtherBlocks) {
  EXPECT_THROW((void)to_blocks(numbers({2, 3, 4})), Error);
  EXPECT_THROW((void)from_blocks(numbers({2, 1, 4, 4}), 3), Error);
  EXPECT_THROW((void)from_blocks(numbers({2, 1, 4, 4, lanes() + 1}), 3), Error);
  EXPECT_THROW((void)from_blocks(numbers({2, 1, 4, 4, lanes()}), lanes() + 1), Error);
  EXPECT_THROW((void)in_blocks("ToBlocks", {numbers({2, 3, 4, 4})}).set("lanes", std::int64_t{0}).run(), Error);
  EXPECT_THROW((void)in_blocks("ToBlocks", {numbers({2, 3, 4, 4})}).set("lanes", std::int64_t{5}).run(), Error);
  EXPECT_THROW((void)in_blocks("MaxPool", {numbers({2, 3, 4, 4})}).set("kernel_shape", Integers{2, 2}).run(), Error);
}

TEST(ChannelBlocksOperators, ConvRefusesWhatItHasNoFormFor) {
  const auto conv = [](const Shape& input, const Shape& weights, std::optional<Tensor> addend = {}) {
    return in_blocks("Conv", {numbers(input), numbers(weights, 2), numbers({weights[0]}, 3), std::move(addend)});
  };
  const Shape input{1, 2, 5, 5, lanes()};
  const std::int64_t channels = 2 * lanes();
  EXPECT_EQ(conv(input, {3, channels, 2, 2}).run().at(0).shape(), (Shape{1, 1, 4, 4, lanes()}));
  EXPECT_EQ(conv({1, 3, 5, 5}, {3, 3, 2, 2}).set("planes", std::int64_t{1}).run().at(0).shape(), (Shape{1, 1, 4, 4, lanes()}));
  EXPECT_THROW((void)conv(input, {3, channels + 1, 2, 2}).run(), Error) << "other channels";
  EXPECT_THROW((void)conv(input, {3, channels, 2}).run(), Error) << "one spatial axis";
  EXPECT_THROW((void)conv({1, 3, 5, 5}, {3, 3, 2, 2}).run(), Error) << "planes without saying so";
  EXPECT_THROW((void)conv(input, {3, channels, 2, 2}).set("activation", std::string("Exp")).run(), Error);
  EXPECT_THROW((void)conv(input, {3, channels, 2, 2}, numbers({1, 1, 5, 5, lanes()})).run(), Error) << "an addend of another shape";
  EXPECT_THROW((void)conv(input, {4, channels / 4, 2, 2}).set("group", std::int64_t{4}).run(), Error) << "groups of parts of blocks";
  SingleNode computed = conv(input, {3, channels, 2, 2});
  computed.constants = 0;
  EXPECT_THROW((void)computed.run(), Error) << "weights that are computed";
}

TEST(ChannelBlocksOperators, PoolsGiveTheBitsOfPlanes) {
  struct Case {
    std::string type;
    std::vector<std::pair<std::string, Attribute::Content>> attributes;
  };
  const std::pair<std::string, Attribute::Content> three{"kernel_shape", Integers{3, 3}}, two_apart{"strides", Integers{2, 2}},
      padded{"pads", Integers{1, 0, 1, 1}}, ceil{"ceil_mode", std::int64_t{1}}, counted{"count_include_pad", std::int64_t{1}};
  const Case cases[] = {{"MaxPool", {three, two_apart, padded}},
                        {"MaxPool", {three, two_apart, ceil}},
                        {"MaxPool", {{"kernel_shape", Integers{2, 3}}, {"dilations", Integers{2, 1}}, {"strides", Integers{1, 3}}}},
                        {"MaxPool", {three, two_apart, {"auto_pad", std::string("SAME_LOWER")}}},
                        {"AveragePool", {three, two_apart, padded}},
                        {"AveragePool", {three, two_apart, padded, counted}},
                        {"AveragePool", {three, two_apart, padded, counted, ceil}},
                        {"AveragePool", {three, padded, {"auto_pad", std::string("VALID")}}},
                        {"GlobalAveragePool", {}}};
  for (const Case& pool : cases) {
    for (const std::int64_t channels : {lanes(), lanes() + 3}) {
      SCOPED_TRACE(pool.type + " of " + std::to_string(channels));
      const Tensor x = numbers({2, channels, 8, 11});
      SingleNode on_planes(pool.type, 19, {x});
      SingleNode blocked = in_blocks(pool.type, {to_blocks(x)});
      for (const auto& [name, content] : pool.attributes) {
        on_planes.set(name, content);
        blocked.set(name, content);
      }
      expect_same_bits(on_planes.run().at(0), from_blocks(blocked.run().at(0), channels));
    }
  }
}

}  // namespace
}  // namespace titrate::engine
