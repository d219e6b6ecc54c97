#include "datasets/resize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::Tensor;

// 8 bits of the result and 2 to spare for sums beyond it (Resample.c, PRECISION_BITS).
constexpr int precision_bits = 32 - 8 - 2;

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

// Keys' cubic with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

struct Filter {
  double (*weight)(double);
  double support;
};

Filter filter_of(ResizeMethod method) { return method == ResizeMethod::bicubic ? Filter{cubic, 2} : Filter{triangle, 1}; }

// The source pixels that make one target pixel, and their weights times 2^precision_bits.
struct Window {
  std::int64_t first;
  std::vector<std::int32_t> weights;
};

std::vector<Window> windows(std::int64_t from, std::int64_t to, const Filter& filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  std::vector<Window> result;
  for (std::int64_t target = 0; target < to; ++target) {
    const double centre = (static_cast<double>(target) + 0.5) * scale;
    const std::int64_t first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const std::int64_t end = std::min<std::int64_t>(static_cast<std::int64_t>(centre + support + 0.5), from);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t at = first; at < end; ++at) {
      weights.push_back(filter.weight((static_cast<double>(at) - centre + 0.5) * (1.0 / stretch)));
      sum += weights.back();
    }
    Window window{first, {}};
    for (double weight : weights) {
      if (sum != 0) weight /= sum;
      const double fixed = weight * (1 << precision_bits);
      window.weights.push_back(static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
    result.push_back(std::move(window));
  }
  return result;
}

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> precision_bits, 0, 255)); }

// One pass along an axis. Seen as [outer, from, inner], the middle axis becomes as long as there are windows.
std::vector<std::uint8_t> pass(const std::uint8_t* source, std::size_t outer, std::size_t from, std::size_t inner,
                               const std::vector<Window>& targets) {
  std::vector<std::uint8_t> result(outer * targets.size() * inner);
  std::uint8_t* out = result.data();
  for (std::size_t block = 0; block < outer; ++block) {
    const std::uint8_t* start = source + block * from * inner;
    for (const Window& window : targets) {
      const std::uint8_t* pixels = start + static_cast<std::size_t>(window.first) * inner;
      for (std::size_t at = 0; at < inner; ++at) {
        std::int32_t sum = 1 << (precision_bits - 1);
        for (std::size_t tap = 0; tap < window.weights.size(); ++tap) sum += pixels[tap * inner + at] * window.weights[tap];
        *out++ = to_byte(sum);
      }
    }
  }
  return result;
}

}  // namespace

Tensor resize(const Tensor& picture, std::int64_t height, std::int64_t width, ResizeMethod method) {
  const bool grey = picture.rank() == 2;
  if (picture.type() != engine::DataType::uint8 || (!grey && picture.rank() != 3) || picture.elements() == 0 ||
      (!grey && picture.shape()[2] > 4)) {
    throw_invalid(cat("only pictures of uint8 [height,width,channels] can be resized, this one is ", name_of(picture.type()), " ",
                      engine::to_text(picture.shape())));
  }
  const Filter filter = filter_of(method);
  const auto rows = static_cast<std::size_t>(picture.shape()[0]);
  const auto columns = static_cast<std::size_t>(picture.shape()[1]);
  const std::size_t channels = grey ? 1 : static_cast<std::size_t>(picture.shape()[2]);
  engine::Shape shape = picture.shape();
  shape[0] = height;
  shape[1] = width;
  const std::span<const std::uint8_t> source = picture.data<std::uint8_t>();
  std::vector<std::uint8_t> pixels(source.begin(), source.end());
  // Across first; each pass is rounded to whole grey levels.
  if (picture.shape()[1] != width) {
    pixels = pass(pixels.data(), rows, columns, channels, windows(picture.shape()[1], width, filter));
  }
  if (picture.shape()[0] != height) {
    pixels = pass(pixels.data(), 1, rows, static_cast<std::size_t>(width) * channels, windows(picture.shape()[0], height, filter));
  }
  return Tensor::of(std::move(shape), pixels);
}

PictureSize with_shorter_side(PictureSize size, std::int64_t shorter) {
  const auto scaled = [&](std::int64_t longer, std::int64_t side) {
    return std::max<std::int64_t>(1, shorter * longer / std::max<std::int64_t>(side, 1));
  };
  if (size.height <= size.width) return {shorter, scaled(size.width, size.height)};
  return {scaled(size.height, size.width), shorter};
}

}  // namespace titrate
