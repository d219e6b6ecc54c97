#include "tuner/reference_outputs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::internal, cat(what, ": ", std::strerror(errno)), std::filesystem::temp_directory_path().string(),
              "make room there, or set TMPDIR to another folder");
}

int open_nameless_file() {
  std::string path = (std::filesystem::temp_directory_path() / "titrate-reference-XXXXXX").string();
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) fail("a temporary file cannot be made");
  unlink(path.c_str());
  return descriptor;
}

}  // namespace

ReferenceOutputs::ReferenceOutputs(const std::shared_ptr<const engine::Plan>& plan, const Dataset& data, const LoopControl& control)
    : descriptor_(open_nameless_file()), places_(static_cast<std::size_t>(data.size())) {
  std::vector<engine::Executor> executors;
  for (int worker = 0; worker < control.threads; ++worker) executors.emplace_back(plan);
  std::vector<std::vector<engine::Tensor>> results(static_cast<std::size_t>(data.size()));
  const auto run = [&](int worker, std::int64_t index) {
    results[static_cast<std::size_t>(index)] = executors[static_cast<std::size_t>(worker)].run(data.sample(index));
  };
  for_each_sample(data.size(), control, run, [&](std::int64_t index) {
    append(index, results[static_cast<std::size_t>(index)]);
    results[static_cast<std::size_t>(index)] = {};
  });
}

ReferenceOutputs::~ReferenceOutputs() {
  if (descriptor_ >= 0) close(descriptor_);
}

void ReferenceOutputs::append(std::int64_t index, const std::vector<engine::Tensor>& outputs) {
  for (const engine::Tensor& output : outputs) {
    places_[static_cast<std::size_t>(index)].push_back({.offset = end_, .type = output.type(), .shape = output.shape()});
    std::span<const std::byte> rest = output.bytes();
    while (!rest.empty()) {
      const ssize_t written = pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(end_));
      if (written < 0) fail("the float model's outputs cannot be kept");
      rest = rest.subspan(static_cast<std::size_t>(written));
      end_ += static_cast<std::uint64_t>(written);
    }
  }
}

std::vector<engine::Tensor> ReferenceOutputs::outputs(std::int64_t index) const {
  std::vector<engine::Tensor> outputs;
  for (const Place& place : places_[static_cast<std::size_t>(index)]) {
    engine::Tensor output = engine::Tensor::uninitialized(place.type, place.shape);
    std::span<std::byte> rest = output.mutable_bytes();
    auto offset = static_cast<off_t>(place.offset);
    while (!rest.empty()) {
      const ssize_t got = pread(descriptor_, rest.data(), rest.size(), offset);
      if (got <= 0) fail("the float model's outputs cannot be read back");
      rest = rest.subspan(static_cast<std::size_t>(got));
      offset += got;
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace titrate
