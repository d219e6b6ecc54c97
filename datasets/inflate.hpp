// Unpacking of deflated bytes, as much as the reader asks for at a time: a small file that unpacks to terabytes costs nothing unless
// somebody reads on.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace titrate {

class Inflater {
 public:
  enum class Wrapping {
    raw,   ///< a zip member; its length and CRC stand elsewhere
    gzip,  ///< one or several gzip members; each CRC is verified
  };
  /// `packed` must outlive this; `where` names the file in errors.
  Inflater(std::span<const std::byte> packed, Wrapping wrapping, std::string where);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` as far as there are bytes; fewer only at the end. Throws Error(invalid) on damaged or truncated input.
  [[nodiscard]] std::size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace titrate
