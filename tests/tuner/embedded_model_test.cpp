#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "datasets/embedded/embedded.hpp"
#include "engine/onnx/read.hpp"
#include "engine/run/executor.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {
namespace {

// What the recipe printed when it made the shipped file (datasets/embedded/recipe/README.md).
constexpr const char* model_sha256 = "d30cde5d1e36e5a4782b85b4cdeb39c3cf211de69ed4f735c7a7ae0c842ce14b";
constexpr int correct_of_5000 = 4673;

std::string sha256_of(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

engine::Model model() { return engine::read_model(embedded_model(), nullptr, {}); }

TEST(EmbeddedModel, IsTheFileTheRecipeMade) { EXPECT_EQ(sha256_of(embedded_model()), model_sha256); }

TEST(EmbeddedModel, HasEveryPartOfAConvolutionalNetwork) {
  std::set<std::string> parts;
  const engine::Model embedded = model();
  for (const engine::Node& node : embedded.graph.nodes) {
    const bool depthwise = node.type == "Conv" && node.integer("group", 1) > 1;
    parts.insert(depthwise ? "depthwise Conv" : node.type);
  }
  EXPECT_EQ(parts,
            (std::set<std::string>{"Conv", "depthwise Conv", "BatchNormalization", "Relu", "Add", "GlobalAveragePool", "Flatten", "Gemm"}));
  ASSERT_EQ(embedded.graph.inputs.size(), 1U);
  EXPECT_EQ(embedded.graph[embedded.graph.inputs[0]].name, "image");
}

TEST(EmbeddedModel, ReadsAsWellAsTheRecipeSays) {
  const auto dataset = embedded_dataset();
  engine::Executor executor(std::make_shared<const engine::Plan>(model()));
  int correct = 0;
  const auto run = [&](int, std::int64_t index) {
    const auto outputs = executor.run(dataset->sample(index));
    const auto scores = outputs.at(0).data<float>();
    ASSERT_EQ(outputs[0].shape(), (engine::Shape{1, 47}));
    const auto answer = std::ranges::max_element(scores) - scores.begin();
    correct += answer == dataset->labels(index).data<std::int64_t>()[0] ? 1 : 0;
  };
  for_each_sample(dataset->size(), {.threads = 1}, run, [](std::int64_t) {});
  EXPECT_NEAR(correct, correct_of_5000, 1);
}

}  // namespace
}  // namespace titrate
