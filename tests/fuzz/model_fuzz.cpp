// Reads whatever bytes it is given as a model, and what could be read it writes and reads again. Not part of the default build:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/model_fuzz.cpp
//   engine/base/{error,text,float8,atomic_file}.cpp \
//     engine/graph/*.cpp engine/onnx/*.cpp -o model_fuzz && ./model_fuzz -rss_limit_mb=2048 corpus/
#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/base/error.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace titrate;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto written = engine::write_model(engine::read_model(bytes, nullptr, {}));
    // What we write we must be able to read, and to write alike.
    if (engine::write_model(engine::read_model(written, nullptr, {})) != written) std::abort();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
