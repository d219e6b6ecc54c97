#include "engine/onnx/write.hpp"

#include <array>
#include <limits>
#include <set>
#include <string>
#include <system_error>

#include "engine/base/atomic_file.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/external_data.hpp"
#include "engine/onnx/external_locations.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/mapped_file.hpp"
#include "engine/onnx/model_writer.hpp"
#include "engine/onnx/schema.hpp"

namespace titrate::engine {
namespace {

// Protobuf's own limit.
constexpr std::uint64_t largest_message = std::numeric_limits<std::int32_t>::max();

void check_size(std::uint64_t bytes) {
  if (bytes > largest_message) {
    throw_invalid(cat("the model takes ", human_bytes(bytes), ", more than the 2 GiB that one ONNX file can hold"), {},
                  "save it with external data");
  }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

class DataFile : public ExternalStore {
 public:
  DataFile(const std::filesystem::path& folder, std::string location) : location_(std::move(location)), file_(folder / location_) {}

  [[nodiscard]] std::string location() const override { return location_; }

  std::uint64_t store(std::span<const std::byte> bytes) override {
    // Readers map the file; a cache line is what the widest vector loads want.
    constexpr std::uint64_t alignment = 64;
    const std::array<std::byte, alignment> zeros{};
    const std::uint64_t padding = (alignment - size_ % alignment) % alignment;
    file_.write(std::span(zeros).first(static_cast<std::size_t>(padding)));
    const std::uint64_t offset = size_ + padding;
    file_.write(bytes);
    size_ = offset + bytes.size();
    return offset;
  }

  void commit() { file_.commit(); }

 private:
  std::string location_;
  AtomicFile file_;
  std::uint64_t size_ = 0;
};

std::string data_file_name(const std::string& model, int number) {
  return number == 1 ? cat(model, ".data") : cat(model, ".", number, ".data");
}

// The old model keeps its data file until the new one is in its place.
std::string free_data_file_name(const std::filesystem::path& path) {
  for (int number = 1;; ++number) {
    std::string name = data_file_name(path.filename().string(), number);
    if (!std::filesystem::exists(std::filesystem::symlink_status(folder_of(path) / name))) return name;
  }
}

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string producer_of(std::string_view model) {
  std::string producer;
  for (Fields field(model); field.next();) {
    if (field.tag_and_type() == stored_as_bytes(schema::model::producer_name)) {
      producer = field.text();
    } else {
      field.skip();
    }
  }
  return producer;
}

bool is_data_file_name(const std::string& name, const std::string& model) {
  if (name == data_file_name(model, 1)) return true;
  if (!name.starts_with(model + ".") || !name.ends_with(".data")) return false;
  const auto number = parse_integer(std::string_view(name).substr(model.size() + 1, name.size() - model.size() - 6));
  return number && *number > 1 && *number < 1'000'000 && name == data_file_name(model, static_cast<int>(*number));
}

// The data files that an earlier save_model() made for the model at `path`; none if that is no model of ours.
std::set<std::string> own_data_files(const std::filesystem::path& path) {
  std::set<std::string> own;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return own;
  try {
    const auto file = MappedFile::open(path);
    if (producer_of(as_text(file->bytes())) != "titrate") return own;
    for (const std::string& location : external_locations(MessageKind::model, as_text(file->bytes()))) {
      if (is_data_file_name(location, path.filename().string())) own.insert(location);
    }
  } catch (const std::exception&) {
    // What is replaced need not be a model.
    own.clear();
  }
  return own;
}

void remove_data_files(const std::filesystem::path& path, const std::set<std::string>& names) {
  for (const std::string& name : names) {
    std::error_code ignored;
    std::filesystem::remove(folder_of(path) / name, ignored);
  }
}

void save_with_data_file(const Model& model, const std::filesystem::path& path) {
  AtomicFile file(path);  // first: where a model cannot be written, no data should be either
  DataFile data(folder_of(path), free_data_file_name(path));
  const std::vector<std::byte> message = model_message(model, &data);
  check_size(message.size());
  data.commit();
  try {
    file.write(message);
    file.commit();
  } catch (...) {
    remove_data_files(path, {data.location()});
    throw;
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
  const std::set<std::string> replaced = own_data_files(path);
  if (tensor_bytes(model) > most_in_file) {
    save_with_data_file(model, path);
  } else {
    write_file_atomically(path, write_model(model));
  }
  remove_data_files(path, replaced);
}

std::uint64_t stored_bytes(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  std::uint64_t bytes = file->bytes().size();
  try {
    ExternalData external(folder_of(path));
    for (const std::string& location : external_locations(MessageKind::model, as_text(file->bytes()))) {
      bytes += external.file(location)->bytes().size();
    }
  } catch (const Error& error) {
    throw Error(error.code(), cat(visible(path.filename().string()), ": ", error.message()), error.where(), error.hint());
  } catch (const protozero::exception& exception) {
    throw_invalid(cat(visible(path.filename().string()), ": the file is damaged or no ONNX model: ", exception.what()));
  }
  return bytes;
}

}  // namespace titrate::engine
