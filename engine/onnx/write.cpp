#include "engine/onnx/write.hpp"

#include <limits>

#include "engine/base/atomic_file.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/model_writer.hpp"

namespace titrate::engine {
namespace {

constexpr std::uint64_t largest_message = std::numeric_limits<std::int32_t>::max();

void check_size(std::uint64_t bytes) {
  if (bytes > largest_message) {
    throw_invalid(cat("the model takes ", human_bytes(bytes), ", more than the 2 GiB that one ONNX file can hold"), {},
                  "save it with external data");
  }
}

}  // namespace

std::vector<std::byte> write_model(const Model& model) {
  check_size(tensor_bytes(model));
  std::vector<std::byte> message = model_message(model, nullptr);
  check_size(message.size());
  return message;
}

void save_model(const Model& model, const std::filesystem::path& path, std::uint64_t most_in_file) {
  if (tensor_bytes(model) > most_in_file) throw_invalid("external data");
  write_file_atomically(path, write_model(model));
}

std::uint64_t stored_bytes(const std::filesystem::path& path) { return std::filesystem::file_size(path); }

}  // namespace titrate::engine
