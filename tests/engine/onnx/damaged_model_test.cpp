// Models with random damage: they are refused with an Error or read, and what was read can be written and read again. A crash, another
// exception, or a sanitizer's complaint fails the test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/base/error.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "tests/engine/onnx/message.hpp"

namespace titrate::engine {
namespace {

// A model with a bit of everything; small, so that most damage hits structure.
std::string varied_model() {
  const auto attribute = [](std::string_view name, std::int64_t type) { return Message().text(1, name).integer(20, type); };
  const Message body = Message()
                           .message(1, node_message("Add", {"x", "w"}, {"out"}))
                           .message(5, tensor_message("k", 7, {2}).integers(7, {1, 2}))
                           .message(12, Message().text(1, "out"));
  const Message node = node_message("If", {"c"}, {"y"}, "if")
                           .message(5, attribute("then_branch", 5).message(6, body))
                           .message(5, attribute("else_branch", 5).message(6, body));
  const Message conv = node_message("Conv", {"x", "w"}, {"h"})
                           .message(5, attribute("pads", 7).integers(8, {1, 1}))
                           .message(5, attribute("alpha", 1).number(2, 1.5F))
                           .message(5, attribute("value", 4).message(5, tensor_message("", 22, {3}).integers(5, {33, 1})))
                           .message(5, attribute("names", 8).text(9, "a").text(9, "b"));
  const Message graph = Message()
                            .text(2, "varied")
                            .message(1, conv)
                            .message(1, node)
                            .message(5, tensor_message("w", 1, {2, 2}).text(9, std::string(16, '\x3f')))
                            .message(5, tensor_message("h16", 10, {2}).integers(5, {0x3c00, 1}))
                            .message(5, tensor_message("texts", 8, {2}).text(6, "a").text(6, "b"))
                            .message(11, value_message("w", 1, {2, 2}))
                            .message(11, value_message("x"))
                            .message(11, value_message("c", 9, {}))
                            .message(12, value_message("y"))
                            .message(13, value_message("h"));
  return model_message(graph).text(2, "maker").message(14, Message().text(1, "k").text(2, "v")).bytes;
}

// Whether it could be read.
bool read_and_write(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  try {
    const auto written = write_model(read_model(bytes, nullptr, {}));
    EXPECT_EQ(write_model(read_model(written, nullptr, {})), written);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_FALSE(error.message().empty());
    return false;
  }
}

void damage(const std::string& whole, int times) {
  std::mt19937 random(20240601);
  int read = 0;
  for (int round = 0; round < times; ++round) {
    std::string damaged = whole;
    const auto hits = 1 + random() % 4;
    for (std::size_t hit = 0; hit < hits; ++hit) damaged[random() % damaged.size()] = static_cast<char>(random());
    if (round % 5 == 0) damaged.resize(random() % damaged.size());
    if (round % 7 == 0) damaged.insert(random() % damaged.size(), "\xff\xff\xff\xff\x7f");
    read += read_and_write(damaged) ? 1 : 0;
  }
  // If all or nothing could be read, the damage would show nothing.
  EXPECT_GT(read, 0);
  EXPECT_LT(read, times);
}

TEST(DamagedModel, TheWholeOneCanBeRead) { EXPECT_TRUE(read_and_write(varied_model())); }

TEST(DamagedModel, WithEverythingInIt) { damage(varied_model(), 2000); }

TEST(DamagedModel, OfMnist) {
  const auto path = std::filesystem::path(TITRATE_SHARED_DIR) / "models/m1_mnist_cnn/model.onnx";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing";
  std::ifstream file(path, std::ios::binary);
  damage({std::istreambuf_iterator<char>(file), {}}, 500);
}

}  // namespace
}  // namespace titrate::engine
