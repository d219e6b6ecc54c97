// Models to ONNX files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// Protobuf messages end at 2 GiB; some room is left for what is not tensors.
inline constexpr std::uint64_t most_tensor_bytes_in_file = 1'900'000'000;

/// The file's bytes. The same model always gives the same bytes; tensors become raw_data. Throws Error(invalid) if the model is too big for
/// one message: save_model() can write it.
[[nodiscard]] std::vector<std::byte> write_model(const Model& model);

/// Writes the file whole or not at all (engine/base/atomic_file.hpp). If the tensors take more than `most_in_file` bytes, those of 1 KiB
/// and more go to `<file name>.data` beside it (`<file name>.2.data` ... if that is taken), which is complete before the model appears.
/// Such data files of the model that is replaced go away afterwards if titrate wrote that model (its producer_name says so), so that saving
/// again and again does not fill the disk.
/// Throws Error(usage) if the place cannot be written to, Error(internal) if writing fails.
void save_model(const Model& model, const std::filesystem::path& path, std::uint64_t most_in_file = most_tensor_bytes_in_file);

/// The size of the file and of the external data files that it names. Throws Error(invalid) if one is missing or the file is no model.
[[nodiscard]] std::uint64_t stored_bytes(const std::filesystem::path& path);

}  // namespace titrate::engine
