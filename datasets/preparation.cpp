#include "datasets/preparation.hpp"

#include <cstring>
#include <utility>

#include "datasets/picture.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::Shape;
using engine::Tensor;

std::size_t width_of(const Tensor& tensor) { return static_cast<std::size_t>(engine::bits_of(tensor.type())) / 8; }

void check_picture(const Tensor& row, const char* step, const std::string& where) {
  if (row.rank() != 2 && row.rank() != 3) {
    throw_invalid(
        cat("'", step, "' is for samples of shape [height,width,channels], this one has the shape ", engine::to_text(row.shape())), where);
  }
}

Tensor resized(const Tensor& row, const Resizing& how, const std::string& where) {
  check_picture(row, "resize", where);
  const PictureSize stored{row.shape()[0], row.shape()[1]};
  const PictureSize wanted = how.shorter_side ? with_shorter_side(stored, *how.shorter_side) : how.size;
  check_picture_size(wanted.height, wanted.width, where);
  try {
    return resize(row, wanted.height, wanted.width, how.method);
  } catch (Error& error) {
    error.in(where);
    throw;
  }
}

Tensor cropped(const Tensor& row, const PictureSize& size, const std::string& where) {
  check_picture(row, "crop", where);
  const Shape& shape = row.shape();
  if (shape[0] < size.height || shape[1] < size.width) {
    throw_invalid(cat("a crop of ", size.height, " x ", size.width, " does not fit into a sample of shape ", engine::to_text(shape)), where,
                  "put a resize before it");
  }
  Shape target = shape;
  target[0] = size.height;
  target[1] = size.width;
  Tensor result = Tensor::uninitialized(row.type(), std::move(target));
  const std::size_t pixel = width_of(row) * (row.rank() == 3 ? static_cast<std::size_t>(shape[2]) : 1);
  const auto top = static_cast<std::size_t>((shape[0] - size.height) / 2);
  const auto left = static_cast<std::size_t>((shape[1] - size.width) / 2);
  const std::size_t line = static_cast<std::size_t>(size.width) * pixel;
  if (line == 0) return result;
  for (std::size_t y = 0; y < static_cast<std::size_t>(size.height); ++y) {
    const std::size_t from = ((y + top) * static_cast<std::size_t>(shape[1]) + left) * pixel;
    std::memcpy(result.mutable_bytes().data() + y * line, row.bytes().data() + from, line);
  }
  return result;
}

// The bytes of `row` seen as [outer, first, second, inner] blocks with the two middle axes exchanged.
Tensor exchanged(const Tensor& row, std::size_t first, std::size_t second, std::size_t inner, Shape shape) {
  Tensor result = Tensor::uninitialized(row.type(), std::move(shape));
  std::byte* out = result.mutable_bytes().data();
  const std::byte* in = row.bytes().data();
  for (std::size_t b = 0; b < second; ++b) {
    for (std::size_t a = 0; a < first; ++a, out += inner) std::memcpy(out, in + (a * second + b) * inner, inner);
  }
  return result;
}

Tensor with_layout(const Tensor& row, LayoutChange change, const std::string& where) {
  if (row.rank() != 3) {
    throw_invalid(cat("'layout' is for samples of three axes, this one has the shape ", engine::to_text(row.shape())), where);
  }
  const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(row.shape()[axis]); };
  if (change == LayoutChange::channels_first) {
    return exchanged(row, size(0) * size(1), size(2), width_of(row), {row.shape()[2], row.shape()[0], row.shape()[1]});
  }
  return exchanged(row, size(0), size(1) * size(2), width_of(row), {row.shape()[1], row.shape()[2], row.shape()[0]});
}

// Channels on the last axis if it has three entries, else on the first.
Tensor with_reversed_channels(const Tensor& row, const std::string& where) {
  const bool last = row.rank() == 3 && row.shape()[2] == 3;
  if (!last && (row.rank() != 3 || row.shape()[0] != 3)) {
    throw_invalid(cat("'channel_order' is for samples with three channels, this one has the shape ", engine::to_text(row.shape())), where);
  }
  const std::size_t width = width_of(row);
  const std::size_t inner = last ? width : row.bytes().size() / 3;
  Tensor result = Tensor::uninitialized(row.type(), row.shape());
  for (std::size_t block = 0; block < row.bytes().size(); block += 3 * inner) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      std::memcpy(result.mutable_bytes().data() + block + channel * inner, row.bytes().data() + block + (2 - channel) * inner, inner);
    }
  }
  return result;
}

Tensor fed(const Tensor& row, const Preparation& how, const std::string& where) {
  Shape shape = row.shape();
  if (how.reshape) {
    shape = *how.reshape;
    if (engine::element_count(shape) != row.elements()) {
      throw_invalid(cat("a sample of shape ", engine::to_text(row.shape()), " cannot take the 'reshape' ", engine::to_text(shape)), where);
    }
  } else if (how.add_batch_axis) {
    shape.insert(shape.begin(), 1);
  }
  return row.reshaped(std::move(shape));
}

}  // namespace

Tensor Preparation::apply(Tensor row, const std::string& where) const {
  if (resizing) row = resized(row, *resizing, where);
  if (crop) row = cropped(row, *crop, where);
  if (reverse_channels) row = with_reversed_channels(row, where);
  row = convert(row, cast.value_or(row.type()), normalisation, where);
  if (layout != LayoutChange::none) row = with_layout(row, layout, where);
  return fed(row, *this, where);
}

}  // namespace titrate
