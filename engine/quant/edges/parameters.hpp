// Codes and parameters of a PlainSpec.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/tensor.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/calibrators/calibrator.hpp"
#include "engine/quant/edges/specs.hpp"

namespace titrate::engine {

/// All codes of a type.
[[nodiscard]] IntegerRange whole_range(CodeType type);
/// The codes in use: those that the spec names, else all; of symmetric signed ones as many above 0 as below.
[[nodiscard]] IntegerRange range_of(const PlainSpec& spec);

/// Throws Error(usage) that lists them if there is none of that name.
[[nodiscard]] CalibratorKind calibrator_named(const std::string& name);

/// Why a spec does not fit a value, or "". `constant`: its shape if it is one, else null.
[[nodiscard]] std::string refusal_of(const PlainSpec& spec, const Shape* constant);

/// For each scale the least and largest number, 0 among them. Throws Error(invalid) naming it if a number is NaN or infinite.
[[nodiscard]] std::vector<ValueRange> ranges_of_constant(const Tensor& constant, const std::string& name, const PlainSpec& spec);

[[nodiscard]] AffineParameters parameters_of(ValueRange range, const PlainSpec& spec);

}  // namespace titrate::engine
