// How the values on the edges of a graph are quantized, as a person's own Quantizer says it: PT2E's annotations for ONNX.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace titrate {

/// A place in a graph: what a node reads at one of its inputs, or what it makes at one of its outputs. Counted from 0.
struct Edge {
  enum class Side : std::uint8_t { input, output };

  std::string node;  ///< its name
  Side side = Side::input;
  std::size_t index = 0;

  friend auto operator<=>(const Edge&, const Edge&) = default;
};

[[nodiscard]] inline Edge input_of(std::string node, std::size_t index = 0) { return {std::move(node), Edge::Side::input, index}; }
[[nodiscard]] inline Edge output_of(std::string node, std::size_t index = 0) { return {std::move(node), Edge::Side::output, index}; }

/// What holds a code. int32 is for biases, with fixed or derived parameters.
enum class CodeType : std::uint8_t { uint4, int4, uint8, int8, uint16, int16, int32 };

/// number = (code - zero_point) * scale. One of each, or one for each index along an axis, or for each block.
struct QuantizationParameters {
  std::vector<float> scales;              ///< in the unit of the numbers; above 0
  std::vector<std::int32_t> zero_points;  ///< codes; as many as scales

  friend bool operator==(const QuantizationParameters&, const QuantizationParameters&) = default;
};

/// Parameters from a range: of an activation the one that the calibrator finds in calibration data, of a constant its least and largest
/// number.
struct PlainSpec {
  CodeType type = CodeType::uint8;
  /// The code of 0 is in the middle of the type: 0, or 128 for uint8. Signed codes are then -127 .. 127 for int8.
  bool symmetric = false;
  /// Constants only. As DequantizeLinear has it: without block_size the axis along which each index has a scale of its own, with it the
  /// axis along which blocks run (every other index has its own); none: one scale. Negative ones count from the end.
  std::optional<std::int64_t> axis = {};
  std::int64_t block_size = 0;        ///< numbers along the axis that share a scale; 0: no blocks. The last block may be short
  std::string calibrator = "minmax";  ///< "minmax", "moving_average", "percentile", "entropy" or "mse"
  double percentile = 99.99;          ///< for "percentile"
  std::optional<float> least = {};    ///< the range is cut off below it
  std::optional<float> largest = {};  ///< the range is cut off above it
  std::optional<std::pair<std::int32_t, std::int32_t>> codes = {};  ///< the least and largest code in use; none: all of the type

  friend bool operator==(const PlainSpec&, const PlainSpec&) = default;
};

/// The parameters of another edge, which has a spec of its own or, at an input, reads a value that has one where it is made. Of edges that
/// share parameters with one another through a PlainSpec, the range is that of all of them together.
struct SharedSpec {
  Edge with;
};

/// Parameters that do not depend on data, as Sigmoid's in [0, 1]: uint8, 1/256, 0.
struct FixedSpec {
  CodeType type = CodeType::uint8;
  float scale = 1;
  std::int32_t zero_point = 0;
};

/// Parameters that follow from those of other edges, as a bias's: scale of the input times scales of the weights.
struct DerivedSpec {
  CodeType type = CodeType::int32;
  std::vector<Edge> from;  ///< as SharedSpec::with
  /// Given the parameters of `from` in their order. As many scales as it returns, so many indices has `axis`.
  std::function<QuantizationParameters(std::span<const QuantizationParameters>)> derive;
  std::optional<std::int64_t> axis = {};
};

/// Stays float, whatever comes later.
struct FloatSpec {};

using EdgeSpec = std::variant<FloatSpec, PlainSpec, SharedSpec, FixedSpec, DerivedSpec>;

/// Scales of a product: each scale of the first times each of the second, one of which has one only; zero points 0. For biases.
[[nodiscard]] QuantizationParameters product_of_scales(std::span<const QuantizationParameters> factors);

}  // namespace titrate
