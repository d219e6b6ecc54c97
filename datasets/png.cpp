// PNG by libpng. The library reports errors through a callback that must not return, hence setjmp; between setjmp and longjmp no object
// with a destructor is alive.
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstring>
#include <vector>

#include "datasets/picture.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr png_alloc_size_t most_chunk_bytes = 8'000'000;

struct Decoder {
  png_structp library = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  std::jmp_buf failed{};
  std::array<char, 200> message{};
};

[[noreturn]] void on_error(png_structp library, png_const_charp message) {
  auto& decoder = *static_cast<Decoder*>(png_get_error_ptr(library));
  std::strncpy(decoder.message.data(), message, decoder.message.size() - 1);
  std::longjmp(decoder.failed, 1);
}

void on_read(png_structp library, png_bytep out, png_size_t length) {
  auto& decoder = *static_cast<Decoder*>(png_get_io_ptr(library));
  if (length > decoder.rest.size()) png_error(library, "it is cut short");
  std::memcpy(out, decoder.rest.data(), length);
  decoder.rest = decoder.rest.subspan(length);
}

void set_conversions(Decoder& decoder) {
  png_set_expand(decoder.library);  // palette, grey of less than 8 bits
  png_set_strip_16(decoder.library);
  png_set_strip_alpha(decoder.library);
  png_set_gray_to_rgb(decoder.library);
  png_set_interlace_handling(decoder.library);
  png_read_update_info(decoder.library, decoder.info);
}

bool read_header(Decoder& decoder) {
  if (setjmp(decoder.failed) != 0) return false;
  png_set_chunk_malloc_max(decoder.library, most_chunk_bytes);
  png_set_read_fn(decoder.library, &decoder, on_read);
  png_read_info(decoder.library, decoder.info);
  return true;
}

bool read_pixels(Decoder& decoder, png_bytepp rows) {
  if (setjmp(decoder.failed) != 0) return false;
  png_read_image(decoder.library, rows);
  png_read_end(decoder.library, nullptr);
  return true;
}

bool convert_to_rgb(Decoder& decoder) {
  if (setjmp(decoder.failed) != 0) return false;
  set_conversions(decoder);
  return true;
}

struct Destroyer {
  Decoder& decoder;
  ~Destroyer() { png_destroy_read_struct(&decoder.library, &decoder.info, nullptr); }
};

}  // namespace

engine::Tensor decode_png(std::span<const std::byte> file, const std::string& where) {
  Decoder decoder;
  decoder.rest = file;
  decoder.library = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, on_error, [](png_structp, png_const_charp) {});
  const Destroyer destroyer{decoder};
  if (decoder.library == nullptr) throw std::bad_alloc();
  decoder.info = png_create_info_struct(decoder.library);
  if (decoder.info == nullptr) throw std::bad_alloc();
  const auto refuse = [&] { throw_invalid(cat("the PNG picture cannot be decoded: ", visible(decoder.message.data())), where); };
  if (!read_header(decoder)) refuse();
  const std::int64_t height = png_get_image_height(decoder.library, decoder.info);
  const std::int64_t width = png_get_image_width(decoder.library, decoder.info);
  check_picture_size(height, width, where);
  if (!convert_to_rgb(decoder)) refuse();
  const std::size_t row_bytes = png_get_rowbytes(decoder.library, decoder.info);
  if (row_bytes != static_cast<std::size_t>(width) * 3) throw_invalid("the PNG picture is of an unknown kind", where);
  engine::Tensor tensor = engine::Tensor::uninitialized(engine::DataType::uint8, {height, width, 3});
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = tensor.mutable_data<std::uint8_t>().data() + row * row_bytes;
  if (!read_pixels(decoder, rows.data())) refuse();
  return tensor;
}

}  // namespace titrate
