#include "tuner/likeness.hpp"

#include <algorithm>
#include <cmath>

#include "engine/quant/affine.hpp"

namespace titrate {

LikenessSums& LikenessSums::operator+=(const LikenessSums& other) {
  signal += other.signal;
  energy += other.energy;
  product += other.product;
  noise += other.noise;
  if (other.largest > largest || std::isnan(other.largest)) largest = other.largest;
  return *this;
}

double LikenessSums::sqnr_db() const { return std::isnan(noise) ? noise : engine::signal_to_noise_db(signal, noise); }

Likeness LikenessSums::likeness() const {
  const double lengths = std::sqrt(signal) * std::sqrt(energy);
  const double cosine = noise == 0 ? 1 : lengths > 0 || std::isnan(lengths) ? product / lengths : 0;
  return {.sqnr_db = finite(sqnr_db()), .cosine = finite(cosine), .largest_error = finite(largest)};
}

LikenessSums likeness_sums(const engine::Tensor& wanted, const engine::Tensor& own) {
  LikenessSums sums;
  const bool comparable = wanted.type() == engine::DataType::float32 && own.type() == engine::DataType::float32;
  if (!comparable || wanted.elements() != own.elements()) return sums;
  const auto expected = wanted.data<float>();
  const auto got = own.data<float>();
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const auto value = static_cast<double>(expected[index]);
    const auto other = static_cast<double>(got[index]);
    // Infinities that are equal (masks) are no error, and no signal either.
    if (value == other && std::isinf(value)) continue;
    const double error = std::abs(value - other);
    sums.signal += value * value;
    sums.energy += other * other;
    sums.product += value * other;
    sums.noise += error * error;
    if (error > sums.largest || std::isnan(error)) sums.largest = error;
  }
  return sums;
}

std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

}  // namespace titrate
