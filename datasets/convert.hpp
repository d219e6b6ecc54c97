// Element types: reading numbers of any stored type, normalising them, writing them as the type that a model is fed with.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate {

/// value = (x * scale - mean) / std, in double, then rounded once to the target type. One mean and one std for all, or one for each entry
/// of the channel axis.
struct Normalisation {
  double scale = 1;
  std::vector<double> mean = {0};
  std::vector<double> std = {1};

  [[nodiscard]] bool is_identity() const;
  /// 1, or the number of channels that mean or std tell apart.
  [[nodiscard]] std::int64_t channels() const;
};

/// Numeric types of at least a byte that NumPy knows too: what data can be stored as and cast to.
[[nodiscard]] bool is_convertible(engine::DataType type);

/// Integers take the value truncated towards zero, and throw Error(invalid) naming value and `where` if it does not fit or is no number;
/// bool is "not zero"; float16 is rounded through float32, half to even.
/// Channels lie on the last axis if it has as many entries as there are channels, else on the first; Error(invalid) if on neither.
[[nodiscard]] engine::Tensor convert(const engine::Tensor& tensor, engine::DataType type, const Normalisation& normalisation,
                                     const std::string& where);

/// The same without normalising; integers are exact in all 64 bits.
[[nodiscard]] engine::Tensor convert(const engine::Tensor& tensor, engine::DataType type, const std::string& where);

}  // namespace titrate
