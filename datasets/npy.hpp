// NumPy's .npy: a magic string, a header that is a Python dictionary, then the numbers (numpy/numpy: numpy/lib/format.py, NEP 1).
// Pickles are never read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "datasets/stored_array.hpp"
#include "engine/graph/tensor.hpp"

namespace titrate {

/// The header of a .npy file of version 1, 2 or 3: bool, signed and unsigned integers of 8 to 64 bits, floats of 16 to 64 bits, either
/// byte order, either order of axes. Throws Error(invalid) for everything else, saying what it is.
[[nodiscard]] ArrayFormat read_npy_format(std::span<const std::byte> start, const std::string& where);

/// A whole array, for small files. The tensor may share the mapped file.
[[nodiscard]] engine::Tensor read_npy(const std::filesystem::path& file);
/// The same from memory, which is copied; `where` names it in errors.
[[nodiscard]] engine::Tensor parse_npy(std::span<const std::byte> bytes, const std::string& where);

/// Magic string and header, padded to a multiple of 64 bytes; the numbers follow, row-major and little-endian.
/// Throws Error(invalid) for types that .npy cannot say: strings, bfloat16, float8, types of less than a byte.
[[nodiscard]] std::string npy_header(engine::DataType type, std::span<const std::int64_t> shape);
/// A whole .npy file.
[[nodiscard]] std::vector<std::byte> npy_bytes(const engine::Tensor& tensor);

}  // namespace titrate
