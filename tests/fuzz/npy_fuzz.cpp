// clang++ -std=c++20 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/npy_fuzz.cpp datasets/{npy,stored_array,inflate,file_mapping}.cpp
//   engine/base/*.cpp engine/graph/{tensor,data_type}.cpp -lz
#include <cstdint>

#include "datasets/npy.hpp"
#include "engine/base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)titrate::parse_npy({reinterpret_cast<const std::byte*>(data), size}, "fuzz.npy");
  } catch (const titrate::Error&) {
  }
  return 0;
}
