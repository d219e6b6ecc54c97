// Reads NumPy's .npz: a zip archive of .npy files, stored or deflated. npz_writer.hpp writes it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/stored_array.hpp"
#include "datasets/zip_directory.hpp"

namespace titrate {

class NpzArchive {
 public:
  /// Maps the file and reads its directory; no array is unpacked yet. Throws Error(invalid) as read_zip_directory says.
  explicit NpzArchive(const std::filesystem::path& file);

  /// Array names, without ".npy", in the archive's order.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool contains(std::string_view name) const;
  /// Checks the CRC and the header. A stored array stays where it is in the mapped file, a deflated one is unpacked into a temporary file.
  /// Throws Error(invalid) listing the names there are if there is no such array.
  [[nodiscard]] StoredArray open(std::string_view name) const;

 private:
  std::filesystem::path file_;
  SharedBytes bytes_;
  std::vector<ZipMember> members_;  ///< the .npy files alone
  std::vector<std::string> names_;
};

}  // namespace titrate
