// The search of the mean-squared-error calibrator, on a histogram of magnitudes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace titrate::engine {

/// For every bin from `start`: the mean squared error when its centre is the largest magnitude of a symmetric quantizer with codes
/// -most..most (algorithms A9). Every number counts as its bin's centre. In units of squared bins.
[[nodiscard]] std::vector<double> symmetric_errors(std::span<const std::uint64_t> magnitudes, int most, std::size_t start);

}  // namespace titrate::engine
