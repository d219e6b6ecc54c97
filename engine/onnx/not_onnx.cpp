#include "engine/onnx/not_onnx.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what;
  std::string_view hint;
};

using namespace std::string_view_literals;

// The signatures are those of the formats' own documentation.
constexpr std::array signatures = {
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer", "fetch the real file with `git lfs pull`"},
    Signature{0, "<!DOCTYPE"sv, "a web page", "download the file itself, not the page that shows it"},
    Signature{0, "<html"sv, "a web page", "download the file itself, not the page that shows it"},
    Signature{4, "ORTM"sv, "an ONNX Runtime (.ort) model", "use the .onnx model that it was made from"},
    Signature{4, "TFL3"sv, "a TensorFlow Lite model", "convert it to ONNX, for example with tf2onnx"},
    Signature{0, "\x89HDF"sv, "an HDF5 (Keras) file", "export the model to ONNX, for example with tf2onnx"},
    Signature{0, "GGUF"sv, "a GGUF model", "export the original model to ONNX"},
    Signature{0, "PK\x03\x04"sv, "a zip archive, such as PyTorch writes", "unpack it, or export the model with torch.onnx.export"},
    Signature{0, "\x1f\x8b"sv, "a gzip file", "unpack it with gunzip"},
    Signature{0,
              "\xfd"
              "7zXZ"sv,
              "an xz file", "unpack it with xz -d"},
};

bool is_text(std::string_view bytes) {
  const auto printable = [](char character) {
    const auto code = static_cast<unsigned char>(character);
    return std::isprint(code) != 0 || std::isspace(code) != 0 || code >= 0x80;
  };
  return std::all_of(bytes.begin(), bytes.end(), printable);
}

}  // namespace

void throw_not_onnx(std::string_view bytes) {
  constexpr std::string_view hint = "give the path of an .onnx file";
  if (bytes.empty()) throw_invalid("the file is empty, not an ONNX model", {}, "download or export it again");
  for (const Signature& signature : signatures) {
    if (bytes.size() >= signature.offset && bytes.substr(signature.offset).starts_with(signature.bytes)) {
      throw_invalid(cat("this is ", signature.what, ", not an ONNX model"), {}, std::string(signature.hint));
    }
  }
  const std::string_view start = bytes.substr(0, 4096);
  if (std::all_of(start.begin(), start.end(), [](char byte) { return byte == 0; })) {
    throw_invalid("the file is full of zeros, not an ONNX model", {}, "download or copy it again");
  }
  if (is_text(start)) throw_invalid("this is a text, not an ONNX model", {}, std::string(hint));
  throw_invalid("this is not an ONNX model", {}, std::string(hint));
}

}  // namespace titrate::engine
