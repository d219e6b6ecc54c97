#include "datasets/embedded/embedded.hpp"

#include <mutex>
#include <string>

#include "datasets/embedded/embedded_files.hpp"
#include "datasets/embedded/glyph_sampler.hpp"
#include "engine/base/error.hpp"

namespace titrate {
namespace {

using engine::Tensor;

constexpr std::int64_t evaluation_samples = 5000;
constexpr std::int64_t calibration_samples = 512;

/// Draws each picture when it is first asked for in whole, and keeps it as bytes (0.6 kB a sample).
class GlyphDataset final : public Dataset {
 public:
  GlyphDataset(GlyphSplit split, std::string name, std::int64_t samples) : split_(split), name_(std::move(name)), samples_(samples) {}

  [[nodiscard]] std::int64_t size() const override { return samples_; }

  [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override {
    check(index);
    std::call_once(drawn_, [this] { draw_all(); });
    const GlyphImage& image = images_[static_cast<std::size_t>(index)];
    Tensor tensor = Tensor::uninitialized(engine::DataType::float32, {1, 1, glyph_image_size, glyph_image_size});
    const std::span<float> values = tensor.mutable_data<float>();
    for (std::size_t i = 0; i < image.size(); ++i) values[i] = (static_cast<float>(image[i]) - 128.0F) / 128.0F;  // exact
    return {std::move(tensor)};
  }

  [[nodiscard]] bool has_labels() const override { return true; }

  [[nodiscard]] Tensor labels(std::int64_t index) const override {
    check(index);
    return Tensor::of(engine::Shape{1}, std::vector<std::int64_t>{glyph_label(index)});
  }

  [[nodiscard]] std::string description() const override {
    return "embedded glyphs 1, " + name_ + ", " + std::to_string(samples_) + " samples, (grey - 128) / 128";
  }

  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  void check(std::int64_t index) const {
    if (index < 0 || index >= samples_) {
      throw_invalid("sample " + std::to_string(index) + " is not one of " + std::to_string(samples_), "embedded data (" + name_ + ")");
    }
  }

  void draw_all() const {
    const GlyphAtlas atlas(embedded_atlas_file());
    std::vector<GlyphImage> images(static_cast<std::size_t>(samples_));
    for (std::int64_t i = 0; i < samples_; ++i) images[static_cast<std::size_t>(i)] = draw_glyph(atlas, split_, i);
    images_ = std::move(images);
  }

  GlyphSplit split_;
  std::string name_;
  std::int64_t samples_;
  mutable std::once_flag drawn_;
  mutable std::vector<GlyphImage> images_;
};

}  // namespace

std::span<const std::byte> embedded_model() { return embedded_model_file(); }

std::shared_ptr<const Dataset> embedded_dataset() {
  return std::make_shared<GlyphDataset>(GlyphSplit::evaluation, "evaluation", evaluation_samples);
}

std::shared_ptr<const Dataset> embedded_calibration() {
  return std::make_shared<GlyphDataset>(GlyphSplit::calibration, "calibration", calibration_samples);
}

}  // namespace titrate
