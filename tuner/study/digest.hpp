// SHA-256, as lower-case hexadecimal: the identity of models and data, and the seal on what a study holds.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace titrate {

/// Takes bytes piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// 64 hexadecimal digits. The object is used up: call it once, last.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256(std::string_view text);
/// Reads the file in pieces, so that memory does not grow with its size. Throws Error(invalid) naming the file.
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace titrate
