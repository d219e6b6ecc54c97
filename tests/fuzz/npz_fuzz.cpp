// clang++ -std=c++20 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/npz_fuzz.cpp
// datasets/{npz,zip_directory,npy,stored_array,inflate,file_mapping}.cpp
//   engine/base/*.cpp engine/graph/{tensor,data_type}.cpp -lz
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "datasets/npz.hpp"
#include "engine/base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path file = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "npz-fuzz-XXXXXX").string();
    return std::filesystem::path(mkdtemp(folder.data())) / "fuzz.npz";
  }();
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const titrate::NpzArchive archive(file);
    for (const std::string& name : archive.names()) {
      try {
        (void)archive.open(name).whole();
      } catch (const titrate::Error&) {
      }
    }
  } catch (const titrate::Error&) {
  }
  return 0;
}
