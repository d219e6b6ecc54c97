// Sums over two tensors that ought to be equal, and what they say.
#pragma once

#include "engine/graph/tensor.hpp"
#include "reports/comparison.hpp"

namespace titrate {

/// In double; added in the order of the samples, so that the last bit does not depend on threads.
struct LikenessSums {
  double signal = 0;   ///< sum of wanted^2
  double energy = 0;   ///< sum of own^2
  double product = 0;  ///< sum of wanted * own
  double noise = 0;    ///< sum of (wanted - own)^2
  double largest = 0;  ///< |wanted - own|; NaN if there is one

  LikenessSums& operator+=(const LikenessSums& other);
  [[nodiscard]] double sqnr_db() const;  ///< 999 if equal, NaN if a number is
  [[nodiscard]] Likeness likeness() const;
};

/// float32 tensors of as many elements; others give zeros: nothing to compare.
[[nodiscard]] LikenessSums likeness_sums(const engine::Tensor& wanted, const engine::Tensor& own);

[[nodiscard]] std::optional<double> finite(double value);

}  // namespace titrate
