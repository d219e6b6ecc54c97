#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "tests/engine/onnx/canonical_message.hpp"

namespace titrate::engine {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SharedModel : public testing::TestWithParam<const char*> {};

TEST_P(SharedModel, SurvivesReadingAndWriting) {
  const auto path = std::filesystem::path(TITRATE_SHARED_DIR) / "models" / GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing";
  const std::string original = content_of(path);
  const Model model = read_model(path);
  const auto written = write_model(model);
  // EXPECT_EQ would print megabytes.
  EXPECT_TRUE(CanonicalMessage::model(written) == CanonicalMessage::model(original));
  const Model again = read_model(written, nullptr, {});
  EXPECT_TRUE(write_model(again) == written);
  EXPECT_EQ(again.warnings, std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(All, SharedModel,
                         testing::Values("m1_mnist_cnn/model.onnx", "m2_squeezenet_imagenet/model.onnx",
                                         "m2_squeezenet_imagenet/model_fp16.onnx", "m3_resnet4b_cifar10/model.onnx",
                                         "m4_silero_vad/model.onnx", "m5_stories260k/model.onnx", "m6_yolox_nano_coco/model.onnx"));

}  // namespace
}  // namespace titrate::engine
