#include "datasets/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "engine/base/error.hpp"

namespace titrate {

struct Inflater::State {
  std::span<const std::byte> packed;
  Wrapping wrapping;
  std::string where;
  z_stream stream{};
  bool ended = false;
};

Inflater::Inflater(std::span<const std::byte> packed, Wrapping wrapping, std::string where) : state_(std::make_unique<State>()) {
  state_->packed = packed;
  state_->wrapping = wrapping;
  state_->where = std::move(where);
  // Negative: no header; 16 more: gzip (zlib.h, inflateInit2).
  const int window_bits = wrapping == Wrapping::raw ? -MAX_WBITS : MAX_WBITS + 16;
  if (inflateInit2(&state_->stream, window_bits) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&state_->stream); }

std::size_t Inflater::read(std::span<std::byte> out) {
  constexpr std::size_t most = std::numeric_limits<uInt>::max();
  State& state = *state_;
  z_stream& stream = state.stream;
  std::size_t filled = 0;
  while (filled < out.size() && !state.ended) {
    const std::size_t given = std::min(state.packed.size(), most);
    const std::size_t wanted = std::min(out.size() - filled, most);
    // zlib only reads what next_in points to, but declares it without const.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(state.packed.data()));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(wanted);
    const int result = inflate(&stream, Z_NO_FLUSH);
    state.packed = state.packed.subspan(given - stream.avail_in);
    filled += wanted - stream.avail_out;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_BUF_ERROR) throw_invalid("the compressed data is cut short", state.where);
    if (result != Z_OK && result != Z_STREAM_END) throw_invalid("the compressed data is damaged", state.where);
    if (result == Z_STREAM_END) {
      state.ended = state.packed.empty() || state.wrapping == Wrapping::raw;
      // Further gzip members follow each other without anything between (RFC 1952, 2.2).
      if (!state.ended) inflateReset(&stream);
    }
  }
  return filled;
}

}  // namespace titrate
