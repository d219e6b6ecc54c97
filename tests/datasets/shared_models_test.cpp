// The descriptions of real models open, and their samples are bit for bit what NumPy 1.24 and Pillow 9.4 make of the same files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using testing::ElementsAre;

struct Checksum {
  const char* file;
  std::int64_t index;
  std::uint32_t crc;
};

struct Case {
  const char* model;
  std::vector<ExpectedInput> inputs;
  std::int64_t evaluated;
  std::int64_t calibrating;
  std::vector<Checksum> first_input;
};

std::vector<Case> cases() {
  const auto pictures = [](const char* name, std::int64_t side) {
    return std::vector{expected_input(name, DataType::float32, {1, 3, side, side})};
  };
  return {
      {"m1_mnist_cnn",
       {expected_input("Input3", DataType::float32, {1, 1, 28, 28})},
       9000,
       1000,
       {{"eval.json", 0, 0x2f1b7ea5},
        {"eval.json", 7, 0xab8fe279},
        {"eval.json", 8999, 0xe6253e1b},
        {"calibration.json", 0, 0x9156b0c2},
        {"calibration.json", 999, 0xd6d28640}}},
      {"m2_squeezenet_imagenet",
       pictures("data_0", 224),
       1000,
       128,
       {{"eval.json", 0, 0x4aceac04},
        {"eval.json", 999, 0x29eb6a3d},
        {"eval.json", 345, 0xfa78a7ed},
        {"calibration.json", 127, 0x67a3bce4}}},
      {"m3_resnet4b_cifar10",
       pictures("input.1", 32),
       1500,
       300,
       {{"eval.json", 0, 0x69b24a32}, {"eval.json", 1499, 0x6392d980}, {"calibration.json", 5, 0x3d4666ea}}},
      {"m4_silero_vad",
       {expected_input("input", DataType::float32, {-1, -1}), expected_input("state", DataType::float32, {2, -1, 128}),
        expected_input("sr", DataType::int64, {})},
       1500,
       300,
       {{"eval.json", 0, 0xfcd4b425}, {"eval.json", 1499, 0x81ee2313}}},
      {"m5_stories260k",
       {expected_input("tokens", DataType::int64, {-1, -1})},
       116,
       24,
       {{"eval.json", 0, 0x0980906d}, {"eval.json", 115, 0xfd3d0b01}}},
      {"m6_yolox_nano_coco",
       pictures("images", 416),
       128,
       48,
       {{"eval.json", 0, 0xe318dfa0}, {"eval.json", 127, 0x1a370484}, {"calibration.json", 47, 0xda5286c1}}},
  };
}

class SharedModels : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(models_)) GTEST_SKIP() << models_ << " is missing";
  }
  [[nodiscard]] std::shared_ptr<const Dataset> open(const Case& model, const std::string& file) const {
    return open_dataset({(models_ / model.model / file).string(), std::nullopt, model.inputs});
  }
  const std::filesystem::path models_ = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
};

TEST_F(SharedModels, OpenWithTheirCountsAndLabels) {
  for (const Case& model : cases()) {
    SCOPED_TRACE(model.model);
    const auto evaluation = open(model, "eval.json");
    const auto calibration = open(model, "calibration.json");
    EXPECT_EQ(evaluation->size(), model.evaluated);
    EXPECT_EQ(calibration->size(), model.calibrating);
    EXPECT_TRUE(evaluation->has_labels());
    EXPECT_EQ(calibration->has_labels(), std::string_view(model.model) == "m5_stories260k");
    EXPECT_FALSE(evaluation->files().empty());
  }
}

TEST_F(SharedModels, SamplesAreThoseOfNumpyAndPillow) {
  for (const Case& model : cases()) {
    for (const Checksum& checksum : model.first_input) {
      SCOPED_TRACE(std::string(model.model) + " " + checksum.file + " " + std::to_string(checksum.index));
      EXPECT_EQ(crc_of(open(model, checksum.file)->sample(checksum.index)[0]), checksum.crc);
    }
  }
}

TEST_F(SharedModels, NormalisedPixelsHaveTheValuesOfNumpy) {
  const auto data = open(cases()[2], "eval.json");
  const std::vector<engine::Tensor> sample = data->sample(0);
  ASSERT_EQ(sample[0].shape(), (Shape{1, 3, 32, 32}));
  const auto pixels = sample[0].data<float>();
  EXPECT_EQ(pixels[0], 0.24905373F);
  EXPECT_EQ(pixels[2 * 1024 + 31 * 32 + 31], -0.7473991F);
  EXPECT_EQ(pixels[1024 + 3 * 32 + 4], 1.1279784F);
}

TEST_F(SharedModels, RecurrentStateAndScalarInput) {
  const auto data = open(cases()[3], "eval.json");
  const std::vector<engine::Tensor> sample = data->sample(1499);
  ASSERT_EQ(sample.size(), 3U);
  EXPECT_EQ(sample[0].shape(), (Shape{1, 288}));
  EXPECT_EQ(sample[0].data<float>()[5], 3.0517578125e-05F);
  EXPECT_EQ(sample[1].shape(), (Shape{2, 1, 128}));
  EXPECT_EQ(crc_of(sample[1]), 0x3a3ec86cU);
  EXPECT_EQ(sample[2].shape(), Shape{});
  EXPECT_THAT(sample[2].data<std::int64_t>(), ElementsAre(8000));
  EXPECT_EQ(crc_of(data->sample(0)[1]), 0xac950681U);
  EXPECT_THAT(data->labels(0).data<std::int64_t>(), ElementsAre(1));
}

TEST_F(SharedModels, LabelsOfEachKind) {
  EXPECT_THAT(open(cases()[0], "eval.json")->labels(7).data<std::int64_t>(), ElementsAre(9));
  EXPECT_THAT(open(cases()[1], "eval.json")->labels(345).data<std::int64_t>(), ElementsAre(345));
  const engine::Tensor tokens = open(cases()[4], "eval.json")->labels(0);
  EXPECT_EQ(tokens.shape(), (Shape{256}));
  EXPECT_EQ(tokens.data<std::int64_t>()[0], 368);
  const engine::Tensor boxes = open(cases()[5], "eval.json")->labels(0);
  EXPECT_EQ(boxes.shape(), (Shape{29, 5}));
  EXPECT_EQ(boxes.data<std::int64_t>()[9], 171);
  EXPECT_NO_THROW(check_labels(*open(cases()[0], "eval.json"), 10));
  EXPECT_THAT(error_of([&] { check_labels(*open(cases()[0], "eval.json"), 9); }), testing::HasSubstr("the label 9 of sample 7"));
}

TEST_F(SharedModels, EveryPictureIsDecodedAsPillowDoes) {
  for (const auto& [index, crc] : {std::pair(1, 0xff49a848U), std::pair(5, 0xd2a40cc8U)}) {
    Case model = cases()[static_cast<std::size_t>(index)];
    const auto folder = models_ / model.model / "images";
    const std::int64_t side = index == 1 ? 224 : 416;
    const auto data = open_dataset({folder.string(), std::nullopt, {expected_input("x", DataType::uint8, {-1, side, side, 3})}});
    uLong sum = crc32(0, nullptr, 0);
    for (std::int64_t sample = 0; sample < data->size(); ++sample) {
      const engine::Tensor picture = data->sample(sample)[0];
      sum = crc32(sum, reinterpret_cast<const Bytef*>(picture.bytes().data()), static_cast<uInt>(picture.bytes().size()));
    }
    EXPECT_EQ(sum, crc) << model.model;
  }
}

}  // namespace
}  // namespace titrate
