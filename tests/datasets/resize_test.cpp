// Resized pictures are, byte for byte, those of Pillow 9.4.
#include "datasets/resize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;

// Grey levels from a linear congruential generator; the expected values were made from the same levels.
Tensor noise(const Shape& shape) {
  Tensor tensor = Tensor::zeros(engine::DataType::uint8, shape);
  std::uint64_t state = 12345;
  for (std::uint8_t& level : tensor.mutable_data<std::uint8_t>()) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    level = static_cast<std::uint8_t>(state >> 16 & 255);
  }
  return tensor;
}

TEST(Resize, EqualsPillow) {
  struct Case {
    std::int64_t height, width, to_height, to_width;
    std::uint32_t bilinear, bicubic;
  };
  const std::vector<Case> cases = {
      {17, 23, 9, 11, 0x8fc29890u, 0x2d9b4691u},    {17, 23, 40, 31, 0x85c31432u, 0xbef90bb9u},
      {64, 48, 224, 224, 0xf1bbd088u, 0xae367dc3u}, {333, 500, 256, 384, 0x79ee94f1u, 0xe756e5a4u},
      {5, 7, 5, 3, 0xe214a36au, 0xda483978u},       {6, 4, 13, 4, 0x1a328aau, 0xb709988bu},
      {1, 1, 3, 3, 0xa6c455bu, 0xa6c455bu},         {100, 3, 7, 90, 0xc1a632aeu, 0xb75a8c89u},
  };
  for (const Case& size : cases) {
    const Tensor picture = noise({size.height, size.width, 3});
    const Tensor linear = resize(picture, size.to_height, size.to_width, ResizeMethod::bilinear);
    const Tensor cubic = resize(picture, size.to_height, size.to_width, ResizeMethod::bicubic);
    EXPECT_EQ(linear.shape(), (Shape{size.to_height, size.to_width, 3}));
    EXPECT_EQ(crc_of(linear), size.bilinear) << size.height << " x " << size.width;
    EXPECT_EQ(crc_of(cubic), size.bicubic) << size.height << " x " << size.width;
  }
  EXPECT_THAT(resize(noise({3, 4, 3}), 2, 3, ResizeMethod::bilinear).data<std::uint8_t>(),
              ElementsAre(149, 46, 94, 131, 64, 191, 141, 140, 107, 67, 46, 93, 139, 57, 106, 93, 86, 182));
  EXPECT_EQ(crc_of(resize(noise({30, 20}), 11, 9, ResizeMethod::bilinear)), 0xbde528cb);
}

TEST(Resize, ShorterSideRoundsTheLongerDown) {
  const auto sizes = [](std::int64_t height, std::int64_t width) {
    const PictureSize size = with_shorter_side({height, width}, 256);
    return std::vector{size.height, size.width};
  };
  EXPECT_THAT(sizes(333, 500), ElementsAre(256, 384));  // 384.38
  EXPECT_THAT(sizes(500, 333), ElementsAre(384, 256));
  EXPECT_THAT(sizes(100, 100), ElementsAre(256, 256));
  EXPECT_THAT(sizes(600, 599), ElementsAre(256, 256));  // 256.43
}

TEST(Resize, RefusesWhatIsNoPicture) {
  EXPECT_THROW((void)resize(Tensor::zeros(engine::DataType::float32, {4, 4, 3}), 2, 2, ResizeMethod::bilinear), Error);
  EXPECT_THROW((void)resize(Tensor::zeros(engine::DataType::uint8, {0, 4, 3}), 2, 2, ResizeMethod::bilinear), Error);
  EXPECT_THROW((void)resize(Tensor::zeros(engine::DataType::uint8, {4}), 2, 2, ResizeMethod::bilinear), Error);
}

}  // namespace
}  // namespace titrate
