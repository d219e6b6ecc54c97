// W words of 32 bits without sign in one register; as lanes.hpp, for the files of an instruction set only.
#pragma once

#include <cstdint>

namespace titrate::kernels {
namespace {

template <int W>
struct WordLanes {
  typedef std::uint32_t Words __attribute__((vector_size(4 * W)));
  typedef std::uint16_t Halves __attribute__((vector_size(2 * W)));
};
template <int W>
using Words = typename WordLanes<W>::Words;

template <int W>
[[gnu::always_inline]] inline Words<W> load_words(const void* source) {
  Words<W> words;
  __builtin_memcpy(&words, source, sizeof(words));
  return words;
}

}  // namespace
}  // namespace titrate::kernels
