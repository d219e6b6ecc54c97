#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "datasets/embedded/embedded.hpp"
#include "engine/onnx/read.hpp"
#include "engine/run/executor.hpp"

namespace titrate {
namespace {

// What the recipe printed when it made the shipped file (datasets/embedded/recipe/README.md).
constexpr const char* model_sha256 = "@@";
constexpr int correct_of_5000 = 0;

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

/// A batch of samples [first, first + count) of one input.
engine::Tensor batch_of(const Dataset& dataset, std::int64_t first, std::int64_t count) {
  engine::Tensor batch = engine::Tensor::uninitialized(engine::DataType::float32, {count, 1, 24, 24});
  const auto values = batch.mutable_data<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto fed = dataset.sample(first + i);
    std::ranges::copy(fed.at(0).data<float>(), values.begin() + i * 24 * 24);
  }
  return batch;
}

TEST(EmbeddedModel, ReadsAsWellAsTheRecipeSays) {
  const auto dataset = embedded_dataset();
  engine::Executor executor(std::make_shared<const engine::Plan>(model()));
  constexpr std::int64_t batch = 50;
  int correct = 0;
  for (std::int64_t first = 0; first < dataset->size(); first += batch) {
    const auto outputs = executor.run(std::vector{batch_of(*dataset, first, batch)});
    ASSERT_EQ(outputs.at(0).shape(), (engine::Shape{batch, 47}));
    const auto scores = outputs[0].data<float>();
    for (std::int64_t i = 0; i < batch; ++i) {
      const auto row = scores.subspan(static_cast<std::size_t>(i) * 47, 47);
      const auto answer = std::ranges::max_element(row) - row.begin();
      correct += answer == dataset->labels(first + i).data<std::int64_t>()[0] ? 1 : 0;
    }
  }
  EXPECT_NEAR(correct, correct_of_5000, 1);
}

}  // namespace
}  // namespace titrate
