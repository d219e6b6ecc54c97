#include "engine/quant/observers/thinning.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

namespace titrate::engine {
namespace {

constexpr std::size_t whole_share = 16;
constexpr std::size_t rest_share = 8;

// The bits of a number that looks random (the last step of splitmix64, Steele and others 2014).
std::uint64_t scattered(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// The magnitude that a sixteenth of the stretches exceed at most.
float whole_beyond(std::vector<float> reaches) {
  const auto place = reaches.begin() + static_cast<std::ptrdiff_t>(reaches.size() / whole_share);
  std::nth_element(reaches.begin(), place, reaches.end(), std::greater<>());
  return *place;
}

}  // namespace

Thinned thin_out(std::span<const float> numbers) {
  Thinned result;
  if (numbers.empty()) return result;
  std::vector<float> reaches;  // of each stretch: the largest magnitude
  reaches.reserve(numbers.size() / stretch_size + 1);
  for (std::size_t first = 0; first < numbers.size(); first += stretch_size) {
    const ops::FloatRange range = ops::range_of(numbers.subspan(first, std::min(stretch_size, numbers.size() - first)));
    result.range.not_finite += range.not_finite;
    result.range.lowest = std::min(result.range.lowest, range.lowest);
    result.range.highest = std::max(result.range.highest, range.highest);
    reaches.push_back(std::max(-range.lowest, range.highest));
  }
  const float limit = whole_beyond(reaches);
  std::uint64_t seed = std::uint64_t{std::bit_cast<std::uint32_t>(result.range.lowest)} << 32;
  seed |= std::bit_cast<std::uint32_t>(result.range.highest);
  std::array<std::size_t, rest_share> rest{};
  std::size_t waiting = 0;
  for (std::size_t stretch = 0; stretch < reaches.size(); ++stretch) {
    if (reaches[stretch] > limit) {
      result.stretches.push_back({.first = stretch * stretch_size});
      continue;
    }
    rest[waiting++] = stretch * stretch_size;
    if (waiting < rest_share) continue;
    waiting = 0;
    seed += 0x9e3779b97f4a7c15;  // splitmix64's step
    result.stretches.push_back({.first = rest[scattered(seed) % rest_share], .weight = rest_share});
  }
  for (std::size_t index = 0; index < waiting; ++index) result.stretches.push_back({.first = rest[index]});
  return result;
}

}  // namespace titrate::engine
