// clang++ -std=c++20 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/idx_fuzz.cpp datasets/{idx,stored_array,inflate,file_mapping}.cpp
//   engine/base/*.cpp engine/graph/{tensor,data_type}.cpp -lz
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "datasets/idx.hpp"
#include "engine/base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path file = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "idx-fuzz-XXXXXX").string();
    return std::filesystem::path(mkdtemp(folder.data())) / "fuzz.idx";
  }();
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const titrate::StoredArray array = titrate::open_idx(file);
    for (std::int64_t row = 0; row < array.rows() && row < 8; ++row) (void)array.row(row);
  } catch (const titrate::Error&) {
  }
  return 0;
}
