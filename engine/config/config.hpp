// A quantization configuration: a scheme for the model and overrides for nodes. Its canonical text is its identity: printed, stored,
// parsed, compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace titrate {

enum class Clip : std::uint8_t { none, mse };
enum class ActivationType : std::uint8_t { u8, s8, u16, s16 };
enum class CalibratorKind : std::uint8_t { minmax, moving_average, percentile, entropy, mse };
enum class Float8Format : std::uint8_t { e4m3, e5m2, e3m4 };
enum class MxFormat : std::uint8_t { fp8_e4m3, fp8_e5m2, fp6_e3m2, fp6_e2m3, fp4, int8 };
enum class MxRule : std::uint8_t { floor, even, rceil, best };
enum class Nvfp4Rule : std::uint8_t { nearest, best };
enum class Float4Storage : std::uint8_t { type, table };

/// The node stays as it is.
struct FloatScheme {
  friend bool operator==(const FloatScheme&, const FloatScheme&) = default;
};

/// Weight-only round to nearest.
struct RtnScheme {
  int bits = 4;  ///< 2 to 8
  bool sym = true;
  bool full_range = false;  ///< symmetric codes reach -2^(bits-1) too
  int group_size = 32;      ///< along K; -1: one scale for each output channel; 0: one for the tensor
  Clip clip = Clip::none;
  friend bool operator==(const RtnScheme&, const RtnScheme&) = default;
};

struct StaticInt8Scheme {
  ActivationType act = ActivationType::u8;
  bool act_sym = false;
  bool weight_sym = true;
  bool per_channel = true;
  CalibratorKind calibrator = CalibratorKind::minmax;
  double percentile = 99.99;
  bool reduce_range = false;  ///< weights of 7 bits: no saturation in 16-bit pair sums
  friend bool operator==(const StaticInt8Scheme&, const StaticInt8Scheme&) = default;
};

struct DynamicInt8Scheme {
  ActivationType act = ActivationType::u8;
  bool per_channel = true;
  bool weight_sym = true;
  friend bool operator==(const DynamicInt8Scheme&, const DynamicInt8Scheme&) = default;
};

struct Fp8Scheme {
  Float8Format format = Float8Format::e4m3;
  bool weights_only = false;
  bool per_channel = true;
  CalibratorKind calibrator = CalibratorKind::minmax;
  friend bool operator==(const Fp8Scheme&, const Fp8Scheme&) = default;
};

/// Weight-only by error feedback: each column's rounding error is made up for by the columns behind it (GPTQ, algorithms B5).
struct GptqScheme {
  int bits = 4;  ///< 2 to 8
  bool sym = true;
  int group_size = 32;  ///< as RtnScheme's
  Clip clip = Clip::mse;
  double damp = 0.01;      ///< part of the mean diagonal that is added to the Hessian's diagonal
  bool act_order = false;  ///< columns by falling energy of their inputs instead of their own order
  int refine = 4;          ///< rounds of choosing scales and zero points anew and moving single codes
  friend bool operator==(const GptqScheme&, const GptqScheme&) = default;
};

/// Weight-only with input channels scaled by how large their activations are (AWQ, algorithms B4).
struct AwqScheme {
  int bits = 4;
  bool sym = true;
  int group_size = 32;
  Clip clip = Clip::mse;
  friend bool operator==(const AwqScheme&, const AwqScheme&) = default;
};

/// Weight-only without data: zero points by half-quadratic splitting (HQQ, algorithms B6).
struct HqqScheme {
  int bits = 4;
  int group_size = 64;
  friend bool operator==(const HqqScheme&, const HqqScheme&) = default;
};

/// Weight-only; up or down is learned for each weight so that the layer's output is kept (AdaRound, algorithms B7).
struct AdaRoundScheme {
  int bits = 4;
  bool sym = true;
  int group_size = 32;
  Clip clip = Clip::mse;
  int iterations = 1000;
  friend bool operator==(const AdaRoundScheme&, const AdaRoundScheme&) = default;
};

/// Weight-only; rounding and ranges are learned by the sign of the gradient (SignRound, algorithms B8).
struct SignRoundScheme {
  int bits = 4;
  bool sym = true;
  int group_size = 32;
  int iterations = 200;
  friend bool operator==(const SignRoundScheme&, const SignRoundScheme&) = default;
};

/// Blocks of 32 along K that share a power of two (OCP Microscaling Formats v1.0).
struct MxScheme {
  MxFormat format = MxFormat::fp8_e4m3;
  MxRule rule = MxRule::floor;
  bool weights_only = true;
  Float4Storage storage = Float4Storage::type;  ///< of fp4
  friend bool operator==(const MxScheme&, const MxScheme&) = default;
};

/// Blocks of 16 E2M1 numbers with an E4M3 scale each and one float scale.
struct Nvfp4Scheme {
  bool weights_only = true;
  Nvfp4Rule rule = Nvfp4Rule::nearest;
  Float4Storage storage = Float4Storage::type;
  friend bool operator==(const Nvfp4Scheme&, const Nvfp4Scheme&) = default;
};

/// Weights in four bits that name quantiles of the normal distribution.
struct Nf4Scheme {
  int group_size = 64;  ///< along K; -1: one scale for each output channel
  friend bool operator==(const Nf4Scheme&, const Nf4Scheme&) = default;
};

/// Weights and activations in bfloat16, sums in float32.
struct Bf16Scheme {
  bool weights_only = false;
  friend bool operator==(const Bf16Scheme&, const Bf16Scheme&) = default;
};

using Scheme = std::variant<FloatScheme, RtnScheme, StaticInt8Scheme, DynamicInt8Scheme, Fp8Scheme, GptqScheme, AwqScheme, HqqScheme,
                            AdaRoundScheme, SignRoundScheme, MxScheme, Nvfp4Scheme, Nf4Scheme, Bf16Scheme>;

/// Moves the difficulty of quantizing activations into the weights (SmoothQuant, algorithms B3).
struct SmoothQuantStage {
  static constexpr double automatic = -1;  ///< `alpha=auto`: the best of a grid for each layer
  double alpha = 0.5;                      ///< part of the activations' range that moves, in (0, 1]
  friend bool operator==(const SmoothQuantStage&, const SmoothQuantStage&) = default;
};

/// Makes the ranges of the channels between neighbouring layers equal (algorithms B2).
struct EqualizeStage {
  friend bool operator==(const EqualizeStage&, const EqualizeStage&) = default;
};

enum class BiasCorrectionMode : std::uint8_t { fast, full };

/// Gives back to the biases what quantization takes from the mean of each output channel (algorithms B1).
struct BiasCorrectionStage {
  BiasCorrectionMode mode = BiasCorrectionMode::fast;
  friend bool operator==(const BiasCorrectionStage&, const BiasCorrectionStage&) = default;
};

/// Trains the quantized model block by block against the float one (learned step sizes, algorithms B12).
struct FinetuneStage {
  int epochs = 10;                         ///< passes over the calibration samples
  int layers = 1;                          ///< trained together at least; the largest of all that take part counts
  static constexpr double automatic = -1;  ///< `rate=auto`: 0.02 and 0.005, whichever comes nearer
  double rate = automatic;                 ///< how far a number moves at a time: weights in steps of their codes
  friend bool operator==(const FinetuneStage&, const FinetuneStage&) = default;
};

/// What is done to the float model before the scheme (or, for biases and training, with it).
using Stage = std::variant<SmoothQuantStage, EqualizeStage, BiasCorrectionStage, FinetuneStage>;

/// Chooses nodes and gives them stages and a scheme of their own. name beats regex beats between beats position beats type beats the
/// config's: what names a node is nearer than what counts it. Of several regexes, and of several `between`, the first that matches.
struct Override {
  enum class Kind : std::uint8_t { name, regex, between, position, type };
  Kind kind = Kind::name;
  /// The node's name; an ECMAScript expression that must match a part of the name; two sets of nodes (engine/config/subgraph.hpp); "first",
  /// "last" or a number from 1 on among the layers that can be quantized; or the operator's type.
  std::string pattern;
  Scheme scheme;
  std::vector<Stage> stages = {};
  /// Of `between` and `position`: the names of the nodes on a graph, once resolve_selectors() has found them. Not part of the text.
  std::vector<std::string> nodes = {};
  friend bool operator==(const Override&, const Override&) = default;
};

struct Config {
  Scheme scheme;
  std::vector<Override> overrides = {};
  std::vector<Stage> stages = {};  ///< in the order in which they act; each kind once
  friend bool operator==(const Config&, const Config&) = default;
};

/// Canonical: the scheme's name, and in parentheses the fields that differ from their defaults, in the order of the table:
/// "rtn(sym=false,group_size=128)". A scheme with all defaults is "rtn()", float is "float". Stages stand before it, joined by " + ".
/// Overrides follow, sorted by kind and, within name and type, by pattern (regexes keep their order):
/// "equalize() + rtn() | name:conv1 = float | type:Gemm = rtn(bits=8)".
[[nodiscard]] std::string to_text(const Scheme& scheme);
[[nodiscard]] std::string to_text(const Stage& stage);
[[nodiscard]] std::string to_text(const Config& config);

/// FNV-1a of the canonical text: the same in every build.
[[nodiscard]] std::uint64_t hash_of(const Config& config);

/// The same config with its overrides in canonical order.
[[nodiscard]] Config canonical(Config config);

/// "rtn", "static_int8", ...
[[nodiscard]] std::string_view scheme_name(const Scheme& scheme);
/// "smoothquant", "equalize", ...
[[nodiscard]] std::string_view stage_name(const Stage& stage);

/// The scheme for a node: name beats regex beats between beats position beats type beats the config's own. Whoever asks for many nodes uses
/// a SchemeChooser (engine/config/overrides.hpp), which reads the expressions once. Throws Error(usage) for a broken regular expression.
[[nodiscard]] const Scheme& scheme_for(const Config& config, std::string_view node_name, std::string_view node_type);

/// Parses one config, as text or as a JSON object, without lists. Throws Error(usage).
[[nodiscard]] Config parse_config(std::string_view text);

/// Parses and expands a set: a set's name ("all", "int8"), a text, a JSON text, or a path to a .json file. Lists make a product, the last
/// list runs fastest; what occurs twice is kept once, where it came first. Throws Error(usage) naming what is wrong, with its position in
/// the text, and listing what is allowed.
[[nodiscard]] std::vector<Config> parse_config_set(std::string_view text);

}  // namespace titrate
