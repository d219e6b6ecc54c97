// The IDX format of MNIST: two zero bytes, a type, the number of axes, the sizes, then the numbers, all big-endian
// (http://yann.lecun.com/exdb/mnist).
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "datasets/stored_array.hpp"

namespace titrate {

/// Throws Error(invalid) for what is no IDX header.
[[nodiscard]] ArrayFormat read_idx_format(std::span<const std::byte> start, const std::string& where);

/// Plain, or in one or several gzip members (told by their first bytes, not by the file's name), which are unpacked into a temporary file.
[[nodiscard]] StoredArray open_idx(const std::filesystem::path& file);

}  // namespace titrate
