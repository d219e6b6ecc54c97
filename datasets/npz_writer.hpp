// Writes an .npz row by row: arrays whose sizes are known before their numbers are, such as the outputs of a model over a data set. Rows
// may come in any order and from several threads; none is held in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate {

/// An array that is going to be written.
struct NpzArray {
  std::string name;
  engine::DataType type = engine::DataType::undefined;
  engine::Shape shape;  ///< rows first
};

class NpzWriter {
 public:
  /// Reserves the whole file beside `file`, under a name of its own. Throws Error(invalid) for names or types that an .npz cannot hold,
  /// Error(internal) if the disk has no room. always_zip64: as if the archive were larger than 4 GB.
  NpzWriter(const std::filesystem::path& file, std::vector<NpzArray> arrays, bool always_zip64 = false);
  /// Removes what was written unless finish() was called.
  ~NpzWriter();
  NpzWriter(const NpzWriter&) = delete;
  NpzWriter& operator=(const NpzWriter&) = delete;

  /// One entry of the first axis. `values` has the array's type and as many elements as a row, whatever its shape (so [1, ...] is fine);
  /// Error(invalid) if not. Thread-safe for different rows.
  void write(std::size_t array, std::int64_t row, const engine::Tensor& values);
  /// Computes the checksums and puts the archive under its name. Throws Error(internal) if a row is missing.
  void finish();

 private:
  struct Member {
    NpzArray array;
    std::string header;                ///< of the .npy file
    std::uint64_t local_offset = 0;    ///< of the zip header
    std::uint64_t numbers_offset = 0;  ///< of the first number
    std::uint64_t size = 0;            ///< of the .npy file
    std::uint64_t row_bytes = 0;
    std::uint32_t crc32 = 0;
  };
  void put(std::uint64_t offset, const void* bytes, std::size_t size) const;
  void compute_checksums();
  [[nodiscard]] std::string directory(std::uint64_t offset) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool wide_ = false;
  std::vector<Member> members_;
  std::uint64_t members_end_ = 0;
  std::int64_t rows_expected_ = 0;
  std::atomic<std::int64_t> rows_written_ = 0;
};

/// A whole .npz of tensors that are there already.
void write_npz(const std::filesystem::path& file, const std::vector<std::pair<std::string, engine::Tensor>>& arrays);

}  // namespace titrate
