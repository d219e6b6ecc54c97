// Who tunes a study. One process at a time may: it holds a lock on a file beside the study for as long as it lives, so the lock goes with
// it however it ends. Readers never wait for it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace titrate {

class Owner {
 public:
  /// Takes the lock of the study at this path, which need not exist. Throws Error(study_unusable): in use by whom, or why not.
  explicit Owner(const std::filesystem::path& study);
  ~Owner();
  Owner(Owner&& other) noexcept;
  Owner& operator=(Owner&& other) noexcept;

  /// "process 4711 since 2026-01-31T12:00:00Z" if somebody tunes the study now. Changes nothing, and is in nobody's way.
  [[nodiscard]] static std::optional<std::string> of(const std::filesystem::path& study);

 private:
  void release() noexcept;

  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Now, in UTC, as RFC 3339 writes it: "2026-01-31T12:00:00Z".
[[nodiscard]] std::string utc_now();

}  // namespace titrate
