// Elements as plain words of their width, for operators that move elements without looking at them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/graph/tensor.hpp"
#include "engine/ops/type_dispatch.hpp"

namespace titrate::engine::ops {

/// One byte for each element of 2 or 4 bits, the element in the low bits.
[[nodiscard]] std::vector<std::uint8_t> unpacked(const Tensor& tensor);
/// The other way round, into the bytes of `target`.
void pack(std::span<const std::uint8_t> words, Tensor& target);

template <class Word, class Body>
void with_words_of(std::span<const Tensor* const> sources, Tensor& target, Body&& body) {
  std::vector<std::span<const Word>> from;
  for (const Tensor* source : sources) from.push_back(source->bits<Word>());
  body(std::span<const std::span<const Word>>(from), target.mutable_bits<Word>());
}

/// Calls body(span of sources' words, target's words): unsigned words of 1 to 8 bytes, or std::string. Sources and target must have one
/// element type; 2- and 4-bit elements are unpacked before and packed after.
template <class Body>
void with_words(std::span<const Tensor* const> sources, Tensor& target, DataType type, Body&& body) {
  if (type == DataType::string) {
    std::vector<std::span<const std::string>> from;
    for (const Tensor* source : sources) from.push_back(source->strings());
    const Shape shape = target.shape();
    std::vector<std::string> to(static_cast<std::size_t>(target.elements()));
    body(std::span<const std::span<const std::string>>(from), std::span<std::string>(to));
    target = Tensor::of_strings(shape, std::move(to));
    return;
  }
  switch (bits_of(type)) {
    case 8:
      return with_words_of<std::uint8_t>(sources, target, body);
    case 16:
      return with_words_of<std::uint16_t>(sources, target, body);
    case 32:
      return with_words_of<std::uint32_t>(sources, target, body);
    case 64:
      return with_words_of<std::uint64_t>(sources, target, body);
    case 2:
    case 4: {
      std::vector<std::vector<std::uint8_t>> words;
      for (const Tensor* source : sources) words.push_back(unpacked(*source));
      const std::vector<std::span<const std::uint8_t>> from(words.begin(), words.end());
      std::vector<std::uint8_t> to(static_cast<std::size_t>(target.elements()));
      body(std::span<const std::span<const std::uint8_t>>(from), std::span<std::uint8_t>(to));
      pack(to, target);
      return;
    }
    default:
      throw_invalid(cat("elements of type ", name_of(type), " are not supported here"));
  }
}

/// For one source: body(source's words, target's words).
template <class Body>
void with_words(const Tensor& source, Tensor& target, Body&& body) {
  const Tensor* const sources[] = {&source};
  with_words(sources, target, source.type(), [&](const auto& from, const auto& to) { body(from[0], to); });
}

/// A tensor to be filled: bytes that are not initialised, or empty strings.
[[nodiscard]] Tensor room_for(DataType type, Shape shape);

/// The bytes (or strings) of the source, which has as many elements, in the target.
void copy_elements(const Tensor& source, Tensor& target);

}  // namespace titrate::engine::ops
