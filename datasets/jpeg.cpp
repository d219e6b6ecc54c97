// JPEG by libjpeg-turbo. The library reports errors through a callback that must not return, hence setjmp; between setjmp and longjmp no
// object with a destructor is alive.
#include <csetjmp>
#include <cstdio>
// After <cstdio>: the header relies on it.
#include <jerror.h>
#include <jpeglib.h>

#include <array>
#include <vector>

#include "datasets/picture.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

// A progressive picture may hold any number of scans of all its pixels; real ones have about ten.
constexpr int most_scans = 200;

struct Decoder {
  jpeg_decompress_struct library{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

Decoder& decoder_of(j_common_ptr library) { return *static_cast<Decoder*>(library->client_data); }

[[noreturn]] void fail(j_common_ptr library) {
  Decoder& decoder = decoder_of(library);
  library->err->format_message(library, decoder.message.data());
  std::longjmp(decoder.failed, 1);
}

// Warnings that mean lost pixels are errors; odd but harmless headers are not.
void on_message(j_common_ptr library, int level) {
  if (level >= 0) return;
  switch (library->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
      fail(library);
    default:
      break;
  }
}

void on_progress(j_common_ptr library) {
  if (library->is_decompressor == 0) return;
  if (reinterpret_cast<j_decompress_ptr>(library)->input_scan_number > most_scans) {
    library->err->msg_code = JERR_NOTIMPL;
    fail(library);
  }
}

void prepare(Decoder& decoder) {
  decoder.library.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = fail;
  decoder.errors.emit_message = on_message;
  decoder.errors.output_message = [](j_common_ptr) {};
  decoder.library.client_data = &decoder;
  decoder.progress.progress_monitor = on_progress;
}

bool read_header(Decoder& decoder, std::span<const std::byte> file) {
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&decoder.library);
  decoder.library.progress = &decoder.progress;
  jpeg_mem_src(&decoder.library, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&decoder.library, TRUE);
  return true;
}

/// pixels: room for height * width * channels of the output colours.
bool read_pixels(Decoder& decoder, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_start_decompress(&decoder.library);
  while (decoder.library.output_scanline < decoder.library.output_height) {
    JSAMPROW row = pixels + decoder.library.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder.library, &row, 1);
  }
  jpeg_finish_decompress(&decoder.library);
  return true;
}

struct Destroyer {
  Decoder& decoder;
  ~Destroyer() { jpeg_destroy_decompress(&decoder.library); }
};

// Adobe's inverted CMYK, taken for granted as Pillow does (Pillow: src/libImaging/Convert.c, cmyk2rgb).
void rgb_from_inverted_cmyk(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  for (std::size_t pixel = 0; pixel < from.size() / 4; ++pixel) {
    const int key = from[4 * pixel + 3];
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const int product = key * (255 - from[4 * pixel + channel]) + 128;
      to[3 * pixel + channel] = static_cast<std::uint8_t>(key - (((product >> 8) + product) >> 8));
    }
  }
}

}  // namespace

engine::Tensor decode_jpeg(std::span<const std::byte> file, const std::string& where) {
  Decoder decoder;
  prepare(decoder);
  const Destroyer destroyer{decoder};
  const auto refuse = [&] { throw_invalid(cat("the JPEG picture cannot be decoded: ", decoder.message.data()), where); };
  if (!read_header(decoder, file)) refuse();
  check_picture_size(decoder.library.image_height, decoder.library.image_width, where);
  const bool four = decoder.library.num_components == 4;
  decoder.library.out_color_space = four ? JCS_CMYK : JCS_RGB;
  decoder.library.dct_method = JDCT_ISLOW;
  decoder.library.do_fancy_upsampling = TRUE;
  const std::size_t height = decoder.library.image_height;
  const std::size_t width = decoder.library.image_width;
  engine::Tensor tensor = engine::Tensor::uninitialized(engine::DataType::uint8, {std::int64_t(height), std::int64_t(width), 3});
  const std::span<std::uint8_t> pixels = tensor.mutable_data<std::uint8_t>();
  if (!four) {
    if (!read_pixels(decoder, pixels.data(), width * 3)) refuse();
    return tensor;
  }
  std::vector<std::uint8_t> inks(height * width * 4);
  if (!read_pixels(decoder, inks.data(), width * 4)) refuse();
  rgb_from_inverted_cmyk(inks, pixels);
  return tensor;
}

}  // namespace titrate
