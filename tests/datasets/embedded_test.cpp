#include "datasets/embedded/embedded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "datasets/embedded/embedded_files.hpp"
#include "datasets/embedded/glyph_sampler.hpp"
#include "engine/base/error.hpp"

namespace titrate {
namespace {

/// FNV-1a of 64 bits.
std::uint64_t hash_of(const GlyphImage& image) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const std::uint8_t byte : image) hash = (hash ^ byte) * 0x100000001B3U;
  return hash;
}

std::vector<float> values_of(const Dataset& dataset, std::int64_t index) {
  const auto fed = dataset.sample(index);
  const auto values = fed.at(0).data<float>();
  return {values.begin(), values.end()};
}

TEST(Embedded, AtlasHoldsEveryGlyph) {
  const GlyphAtlas atlas(embedded_atlas_file());
  for (std::int32_t face = 0; face < GlyphAtlas::training_faces + GlyphAtlas::evaluation_faces; ++face) {
    for (std::int32_t label = 0; label < GlyphAtlas::class_count; ++label) {
      const Glyph glyph = atlas.glyph(face, label);
      ASSERT_GE(glyph.width, 2) << face << ' ' << label;
      ASSERT_EQ(glyph.ink.size(), 32U * 32U);
      ASSERT_GT(*std::max_element(glyph.ink.begin(), glyph.ink.end()), 100) << face << ' ' << label;
    }
  }
}

TEST(Embedded, DamagedAtlasIsAnError) {
  const auto file = embedded_atlas_file();
  EXPECT_THROW(GlyphAtlas{file.first(1000)}, Error);
  EXPECT_THROW(GlyphAtlas{embedded_model_file()}, Error);
}

TEST(Embedded, SamplesAreTheSameBytesOnEveryMachine) {
  const GlyphAtlas atlas(embedded_atlas_file());
  EXPECT_EQ(hash_of(draw_glyph(atlas, GlyphSplit::training, 0)), 0x0D75D37BDC786310U);
  EXPECT_EQ(hash_of(draw_glyph(atlas, GlyphSplit::training, 119'999)), 0x19A0B31102AD99CFU);
  EXPECT_EQ(hash_of(draw_glyph(atlas, GlyphSplit::calibration, 7)), 0x8BB643C2FC683F83U);
  EXPECT_EQ(hash_of(draw_glyph(atlas, GlyphSplit::evaluation, 0)), 0xC09DA131CF825FD9U);
  EXPECT_EQ(hash_of(draw_glyph(atlas, GlyphSplit::evaluation, 4'999)), 0x5C09028E45BC5D41U);
}

TEST(Embedded, DatasetFeedsWhatTheSamplerDraws) {
  const GlyphAtlas atlas(embedded_atlas_file());
  const auto dataset = embedded_dataset();
  for (const std::int64_t index : {0, 1, 2500, 4999}) {
    const GlyphImage image = draw_glyph(atlas, GlyphSplit::evaluation, index);
    const auto fed = dataset->sample(index);
    ASSERT_EQ(fed.size(), 1U);
    EXPECT_EQ(fed[0].shape(), (engine::Shape{1, 1, 24, 24}));
    const auto values = values_of(*dataset, index);
    for (std::size_t i = 0; i < image.size(); ++i) ASSERT_EQ(values[i] * 128.0F + 128.0F, static_cast<float>(image[i]));
    const auto labels = dataset->labels(index);
    EXPECT_EQ(labels.shape(), engine::Shape{1});
    EXPECT_EQ(labels.data<std::int64_t>()[0], index % 47);
  }
}

TEST(Embedded, SplitsShareNoPicture) {
  const GlyphAtlas atlas(embedded_atlas_file());
  std::set<GlyphImage> seen;
  std::size_t drawn = 0;
  const auto draw = [&](GlyphSplit split, std::int64_t samples) {
    for (std::int64_t i = 0; i < samples; ++i) seen.insert(draw_glyph(atlas, split, i));
    drawn += static_cast<std::size_t>(samples);
  };
  draw(GlyphSplit::evaluation, embedded_dataset()->size());
  draw(GlyphSplit::calibration, embedded_calibration()->size());
  draw(GlyphSplit::training, 10'000);
  EXPECT_EQ(seen.size(), drawn);
}

TEST(Embedded, ClassesAreBalanced) {
  for (const auto& dataset : {embedded_dataset(), embedded_calibration()}) {
    std::array<std::int64_t, 47> counts{};
    for (std::int64_t i = 0; i < dataset->size(); ++i) ++counts.at(static_cast<std::size_t>(dataset->labels(i).data<std::int64_t>()[0]));
    for (const std::int64_t count : counts) EXPECT_NEAR(static_cast<double>(count), static_cast<double>(dataset->size()) / 47.0, 1.0);
  }
}

TEST(Embedded, SizesAreWhatTheDemoPromises) {
  EXPECT_EQ(embedded_dataset()->size(), 5000);
  EXPECT_EQ(embedded_calibration()->size(), 512);
  EXPECT_TRUE(embedded_dataset()->has_labels());
  EXPECT_LE(embedded_model().size(), std::size_t{1} << 20);
  EXPECT_NE(embedded_dataset()->description(), embedded_calibration()->description());
}

TEST(Embedded, OutOfRangeIsAnError) {
  EXPECT_THROW((void)embedded_dataset()->sample(5000), Error);
  EXPECT_THROW((void)embedded_dataset()->sample(-1), Error);
  EXPECT_THROW((void)embedded_dataset()->labels(5000), Error);
}

TEST(Embedded, OpensByName) {
  const auto input = [](std::int64_t height) {
    const std::vector<engine::Dimension> shape{{-1, "N"}, {1, ""}, {height, ""}, {24, ""}};
    return std::vector<ExpectedInput>{{"image", {engine::DataType::float32, shape}}};
  };
  EXPECT_EQ(open_dataset({"embedded", std::nullopt, input(24)})->description(), embedded_dataset()->description());
  EXPECT_THROW((void)open_dataset({"embedded", std::nullopt, input(28)}), Error);
  EXPECT_THROW((void)open_dataset({"embedded", "labels.npy", input(24)}), Error);
}

TEST(Embedded, ThreadsMayReadAtOnce) {
  const auto dataset = embedded_dataset();
  const auto alone = embedded_dataset();
  std::array<std::vector<float>, 4> read;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < read.size(); ++t) {
    threads.emplace_back([&, t] { read.at(t) = values_of(*dataset, static_cast<std::int64_t>(t) * 1000); });
  }
  threads.clear();
  for (std::size_t t = 0; t < read.size(); ++t) EXPECT_EQ(read.at(t), values_of(*alone, static_cast<std::int64_t>(t) * 1000));
}

}  // namespace
}  // namespace titrate
