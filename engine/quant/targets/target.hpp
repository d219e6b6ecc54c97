// What a runtime or a chip runs on integers: PyTorch's BackendConfig as data. Placement obeys it and `titrate check` holds models against
// it. Described in engine/quant/targets/README.md; read from JSON by read_target.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/data_type.hpp"
#include "engine/quant/affine.hpp"

namespace titrate::engine {

struct ScaleBounds {
  float least = 0;
  float most = std::numeric_limits<float>::infinity();
  friend bool operator==(const ScaleBounds&, const ScaleBounds&) = default;
};

/// Parameters that a type has whatever the data say.
struct FixedParameters {
  DataType type = DataType::uint8;
  AffineParameters parameters;
  friend bool operator==(const FixedParameters&, const FixedParameters&) = default;
};

/// What the activations at one side of a pattern may be.
struct ActivationRule {
  std::vector<DataType> types;  ///< in the order of preference; float32: not quantized
  bool symmetric = false;       ///< the code of 0 is the middle of the type: 0, or 128 for uint8
  bool dynamic = false;         ///< the scale is found in each run
  ScaleBounds scale;
  std::vector<FixedParameters> fixed;

  [[nodiscard]] bool takes(DataType type) const;
  [[nodiscard]] const FixedParameters* fixed_for(DataType type) const;
};

struct WeightRule {
  std::vector<DataType> types;  ///< empty: any
  bool per_tensor = true;
  bool per_channel = true;
  bool per_block = false;
  bool symmetric = false;  ///< zero points 0 (128 for uint8)
  float least_scale = 0;

  [[nodiscard]] bool takes(DataType type) const;
};

/// How the output's scale and zero point belong to those of the inputs.
enum class Sharing : std::uint8_t {
  own,           ///< each has its own
  equal_better,  ///< equal ones save work, as Concat's, which becomes a copy
  equal,         ///< all must be equal
};

/// What becomes of the second operator of a pattern.
enum class Fusion : std::uint8_t {
  always,        ///< it is part of the first
  if_redundant,  ///< it goes into the quantizer behind it where that cuts off what it would; else it is computed by itself
  never,         ///< the two would be taken for something else if no quantizer stood between them
};

/// One operator, or one with an operator behind it that belongs to it (Conv and Relu).
struct Pattern {
  std::vector<std::string> operators;
  ActivationRule input;
  std::optional<WeightRule> weights;
  std::vector<DataType> bias_types = {DataType::int32};  ///< the first is written; int32 has the scales of the products, zero point 0
  ActivationRule output;
  bool output_quantized_always = false;  ///< without a quantizer behind it, it does not run on integers
  Sharing sharing = Sharing::own;
  /// Of two inputs one stays in the accumulator of the layer that makes it; only the other is quantized.
  bool residual = false;
  Fusion fusion = Fusion::always;
  bool placed = true;  ///< false: runs, but placement does not ask for it

  [[nodiscard]] bool takes_integers() const;
};

struct Target {
  std::string name;
  std::string source;  ///< of the description: "built in" or a file's path
  std::vector<Pattern> patterns;
  /// The rules of the lowering pass hold there: it is ONNX Runtime, or runs on it too.
  bool onnxruntime = false;
  /// A float layer between integers gets its weights quantized by the runtime (ONNX Runtime's pass WeightBiasQuantization).
  bool quantizes_float_layers = false;
  /// Bits that hold the sum of two products of unsigned and signed codes: 16 on x86 without VNNI (vpmaddubsw), else 32.
  int pair_sum_bits = 32;
  /// What NNCF and ONNX Runtime leave float around attention stays float (model_type.hpp); not part of a description.
  bool leaves_attention_float = false;
  /// Rules of which a breach ends loading: their findings are errors.
  std::vector<std::string> load_failures;

  /// The pattern in which an operator computes on integers with scales from calibration; null: there is none.
  [[nodiscard]] const Pattern* integer_pattern(std::string_view type) const;
  /// The same for an operator and the one behind it.
  [[nodiscard]] const Pattern* integer_pattern(std::string_view type, std::string_view behind) const;
  /// The scale of its input is found in each run.
  [[nodiscard]] const Pattern* dynamic_pattern(std::string_view type) const;
  /// Its weights are stored in few bits, its input has this type: float32, or a float8.
  [[nodiscard]] const Pattern* storage_pattern(std::string_view type, DataType input) const;
  [[nodiscard]] bool fails_to_load(std::string_view rule) const;
};

}  // namespace titrate::engine
