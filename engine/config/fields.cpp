#include "engine/config/fields.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "engine/base/text.hpp"

namespace titrate {

namespace {

using Names = std::span<const std::string_view>;

// In the order of the enumerations' values.
constexpr std::array<std::string_view, 2> boolean_names = {"false", "true"};
constexpr std::array<std::string_view, 2> clip_names = {"none", "mse"};
constexpr std::array<std::string_view, 4> activation_names = {"u8", "s8", "u16", "s16"};
constexpr std::array<std::string_view, 5> calibrator_names = {"minmax", "moving_average", "percentile", "entropy", "mse"};
constexpr std::array<std::string_view, 3> float8_names = {"e4m3", "e5m2", "e3m4"};
constexpr std::array<std::string_view, 6> mx_format_names = {"fp8_e4m3", "fp8_e5m2", "fp6_e3m2", "fp6_e2m3", "fp4", "int8"};
constexpr std::array<std::string_view, 4> mx_rule_names = {"floor", "even", "rceil", "best"};
constexpr std::array<std::string_view, 2> nvfp4_rule_names = {"nearest", "best"};
constexpr std::array<std::string_view, 2> float4_storage_names = {"type", "table"};
constexpr std::array<std::string_view, 2> bias_correction_names = {"fast", "full"};

template <class Value>
constexpr Names names_for() {
  if constexpr (std::is_same_v<Value, bool>) return boolean_names;
  if constexpr (std::is_same_v<Value, Clip>) return clip_names;
  if constexpr (std::is_same_v<Value, ActivationType>) return activation_names;
  if constexpr (std::is_same_v<Value, CalibratorKind>) return calibrator_names;
  if constexpr (std::is_same_v<Value, Float8Format>) return float8_names;
  if constexpr (std::is_same_v<Value, MxFormat>) return mx_format_names;
  if constexpr (std::is_same_v<Value, MxRule>) return mx_rule_names;
  if constexpr (std::is_same_v<Value, Nvfp4Rule>) return nvfp4_rule_names;
  if constexpr (std::is_same_v<Value, Float4Storage>) return float4_storage_names;
  if constexpr (std::is_same_v<Value, BiasCorrectionMode>) return bias_correction_names;
}

template <class S>
constexpr bool is_stage = std::is_constructible_v<Stage, S>;

// Reads and writes one member of one scheme or stage.
template <auto Member>
struct Access;

template <class S, class V, V S::*Member>
struct Access<Member> {
  using Value = V;
  using Part = std::conditional_t<is_stage<S>, Stage, Scheme>;
  static FieldValue get(const Part& part) {
    const V value = std::get<S>(part).*Member;
    if constexpr (std::is_floating_point_v<V>)
      return value;
    else
      return static_cast<std::int64_t>(value);
  }
  static void set(Part& part, const FieldValue& to) {
    if constexpr (std::is_floating_point_v<V>)
      std::get<S>(part).*Member = std::get<double>(to);
    else
      std::get<S>(part).*Member = static_cast<V>(std::get<std::int64_t>(to));
  }
};

template <auto Member>
using RowOf = FieldRowOf<typename Access<Member>::Part>;

template <auto Member>
constexpr RowOf<Member> integer(std::string_view key, std::int64_t least, std::int64_t most, std::string_view help,
                                std::span<const std::int64_t> also = {}) {
  return {{key, FieldKind::integer, help, {}, also, least, most, 0, 0}, Access<Member>::get, Access<Member>::set};
}

template <auto Member>
constexpr RowOf<Member> number(std::string_view key, double above, double up_to, std::string_view help, std::string_view word = {},
                               double word_value = 0) {
  return {{key, FieldKind::number, help, {}, {}, 0, 0, above, up_to, word, word_value}, Access<Member>::get, Access<Member>::set};
}

// A boolean or an enumeration; `first`: only so many of its values.
template <auto Member>
constexpr RowOf<Member> choice(std::string_view key, std::string_view help, std::size_t first = std::dynamic_extent) {
  using Value = typename Access<Member>::Value;
  constexpr FieldKind kind = std::is_same_v<Value, bool> ? FieldKind::boolean : FieldKind::enumeration;
  constexpr Names names = names_for<Value>();
  return {{key, kind, help, names.first(std::min(first, names.size())), {}, 0, 0, 0, 0}, Access<Member>::get, Access<Member>::set};
}

constexpr std::array<std::int64_t, 2> whole_groups = {-1, 0};

constexpr std::string_view bits_help = "width of a weight; 3, 5, 6 and 7 are stored in the next wider type of ONNX";
constexpr std::string_view sym_help = "codes are symmetric around 0; false: each group has a zero point";
constexpr std::string_view group_help = "weights along K that share a scale; -1: all of an output channel; 0: all of the tensor";
constexpr std::string_view clip_help = "mse: searches for each group the range with the least squared error";

template <class S>
constexpr auto bits = integer<&S::bits>("bits", 2, 8, bits_help);
template <class S>
constexpr auto sym = choice<&S::sym>("sym", sym_help);
template <class S>
constexpr auto group_size = integer<&S::group_size>("group_size", 16, 1024, group_help, whole_groups);
template <class S>
constexpr auto clip = choice<&S::clip>("clip", clip_help);

constexpr std::array rtn_fields = {
    bits<RtnScheme>,       sym<RtnScheme>,  choice<&RtnScheme::full_range>("full_range", "symmetric codes use the lowest code too"),
    group_size<RtnScheme>, clip<RtnScheme>,
};

constexpr std::array gptq_fields = {
    bits<GptqScheme>,
    sym<GptqScheme>,
    group_size<GptqScheme>,
    clip<GptqScheme>,
    number<&GptqScheme::damp>("damp", 0, 1, "part of the mean diagonal that is added to the Hessian's diagonal"),
    choice<&GptqScheme::act_order>("act_order", "columns by falling energy of their inputs instead of their own order"),
    integer<&GptqScheme::refine>("refine", 0, 20, "rounds of choosing scales and zero points anew and moving single codes"),
};

constexpr std::array awq_fields = {bits<AwqScheme>, sym<AwqScheme>, group_size<AwqScheme>, clip<AwqScheme>};

constexpr std::array<std::int64_t, 1> whole_rows = {-1};
constexpr std::array hqq_fields = {
    bits<HqqScheme>,
    integer<&HqqScheme::group_size>("group_size", 16, 1024, "weights along K that share a scale; -1: all of an output channel", whole_rows),
};

constexpr std::array adaround_fields = {
    bits<AdaRoundScheme>,
    sym<AdaRoundScheme>,
    group_size<AdaRoundScheme>,
    clip<AdaRoundScheme>,
    integer<&AdaRoundScheme::iterations>("iterations", 1, 100'000, "steps of the optimizer for each layer"),
};

constexpr std::array signround_fields = {
    bits<SignRoundScheme>,
    sym<SignRoundScheme>,
    group_size<SignRoundScheme>,
    integer<&SignRoundScheme::iterations>("iterations", 1, 100'000, "steps of the optimizer for each layer"),
};

constexpr std::array smoothquant_fields = {
    number<&SmoothQuantStage::alpha>("alpha", 0, 1,
                                     "part of the activations' range that moves into the weights; auto: searched layer by layer", "auto",
                                     SmoothQuantStage::automatic),
};

constexpr std::array bias_correction_fields = {
    choice<&BiasCorrectionStage::mode>(
        "mode", "fast: from the mean input of each layer; full: layer after layer from the quantized model's outputs"),
};

constexpr std::array finetune_fields = {
    integer<&FinetuneStage::epochs>("epochs", 1, 1000, "passes over the calibration samples, for each block"),
    integer<&FinetuneStage::layers>("layers", 1, 64, "layers that are trained together at least"),
    number<&FinetuneStage::rate>("rate", 0, 1,
                                 "how far a weight moves at a time at first, in steps of its codes; auto: the better of 0.02 and 0.005",
                                 "auto", FinetuneStage::automatic),
};

constexpr std::array static_int8_fields = {
    choice<&StaticInt8Scheme::act>("act", "type of the activations: unsigned or signed 8 or 16 bit; 16 bits run in float"),
    choice<&StaticInt8Scheme::act_sym>("act_sym", "activation ranges are symmetric around 0"),
    choice<&StaticInt8Scheme::weight_sym>("weight_sym", "weight ranges are symmetric around 0"),
    choice<&StaticInt8Scheme::per_channel>("per_channel", "one weight scale for each output channel; false: one for the tensor"),
    choice<&StaticInt8Scheme::calibrator>("calibrator", "turns what was seen on calibration data into activation ranges"),
    number<&StaticInt8Scheme::percentile>("percentile", 50, 100, "part of the values that calibrator=percentile keeps, in percent"),
    choice<&StaticInt8Scheme::reduce_range>("reduce_range", "weights of 7 bits: pair sums of 16 bits cannot saturate on older processors"),
};

constexpr std::array dynamic_int8_fields = {
    choice<&DynamicInt8Scheme::act>("act", "type of the activations: unsigned or signed 8 bit", 2),
    choice<&DynamicInt8Scheme::per_channel>("per_channel", "one weight scale for each output channel; false: one for the tensor"),
    choice<&DynamicInt8Scheme::weight_sym>("weight_sym", "weight ranges are symmetric around 0"),
};

constexpr std::array fp8_fields = {
    choice<&Fp8Scheme::format>("format", "exponent and mantissa bits"),
    choice<&Fp8Scheme::weights_only>("weights_only", "activations stay float"),
    choice<&Fp8Scheme::per_channel>("per_channel", "one weight scale for each output channel; false: one for the tensor"),
    choice<&Fp8Scheme::calibrator>("calibrator", "turns what was seen on calibration data into activation ranges"),
};

constexpr std::string_view float4_storage_help =
    "codes of 4-bit floats: type: float4e2m1 of ONNX; table: uint4 looked up in a table, the same numbers for runtimes without that type";

constexpr std::array mx_fields = {
    choice<&MxScheme::format>("format", "elements of a block: exponent and mantissa bits, or integers"),
    choice<&MxScheme::rule>("rule", "scale of a block: floor of the standard, even and rceil of others, best: of least squared error"),
    choice<&MxScheme::weights_only>("weights_only", "activations stay float"),
    choice<&MxScheme::storage>("storage", float4_storage_help),
};

constexpr std::array nvfp4_fields = {
    choice<&Nvfp4Scheme::weights_only>("weights_only", "activations stay float"),
    choice<&Nvfp4Scheme::rule>("rule", "scale of a block: nearest to its largest magnitude, or best: of least squared error"),
    choice<&Nvfp4Scheme::storage>("storage", float4_storage_help),
};

constexpr std::array nf4_fields = {
    integer<&Nf4Scheme::group_size>("group_size", 16, 1024, "weights along K that share a scale; -1: all of an output channel", whole_rows),
};

// A released default is frozen: the canonical texts of old studies leave it out.
constexpr std::array rows = {
    SchemeRow{"float", "stays as it is", {}, FloatScheme{}},
    SchemeRow{"rtn", "weights only, rounded to the nearest code; activations stay float", rtn_fields, RtnScheme{}},
    SchemeRow{"static_int8", "weights and activations in 8-bit integers, activation ranges from calibration data", static_int8_fields,
              StaticInt8Scheme{}},
    SchemeRow{"dynamic_int8", "weights in 8-bit integers, activations quantized while running; MatMul and Gemm only", dynamic_int8_fields,
              DynamicInt8Scheme{}},
    SchemeRow{"fp8", "weights and activations in 8-bit floats", fp8_fields, Fp8Scheme{}},
    SchemeRow{"gptq", "weights only; each rounding error is made up for by the weights that follow; needs calibration data", gptq_fields,
              GptqScheme{}},
    SchemeRow{"awq", "weights only, input channels scaled by their activations, ranges by the layer's output; needs calibration data",
              awq_fields, AwqScheme{}},
    SchemeRow{"hqq", "weights only, zero points by half-quadratic splitting; needs no data", hqq_fields, HqqScheme{}},
    SchemeRow{"adaround", "weights only, rounding up or down learned for each weight; needs calibration data", adaround_fields,
              AdaRoundScheme{}},
    SchemeRow{"signround", "weights only, rounding and ranges learned by the sign of the gradient; needs calibration data",
              signround_fields, SignRoundScheme{}},
    SchemeRow{"mx", "weights, if wanted activations too, in blocks of 32 that share a power of two", mx_fields, MxScheme{}},
    SchemeRow{"nvfp4", "weights, if wanted activations too, in 4-bit floats, blocks of 16 with 8-bit float scales", nvfp4_fields,
              Nvfp4Scheme{}},
    SchemeRow{"nf4", "weights only, in 4 bits that name quantiles of the normal distribution", nf4_fields, Nf4Scheme{}},
};
static_assert(rows.size() == std::variant_size_v<Scheme>);

constexpr std::array stages = {
    StageRow{"smoothquant", "moves the range of activations into the weights; needs calibration data", smoothquant_fields,
             SmoothQuantStage{}},
    StageRow{"equalize", "makes the ranges of channels between neighbouring layers equal", {}, EqualizeStage{}},
    StageRow{"bias_correction", "gives back to the biases what quantization takes from the mean outputs; needs calibration data",
             bias_correction_fields, BiasCorrectionStage{}},
    StageRow{"finetune", "trains weights, their scales, biases and normalizations block by block; needs calibration data", finetune_fields,
             FinetuneStage{}},
};
static_assert(stages.size() == std::variant_size_v<Stage>);

std::vector<std::string> as_strings(Names names) { return {names.begin(), names.end()}; }

}  // namespace

std::string_view FieldDescription::type_text() const {
  constexpr std::array<std::string_view, 4> texts = {"integer", "boolean", "enumeration", "number"};
  return texts[static_cast<std::size_t>(kind)];
}

std::string FieldDescription::range_text() const {
  if (kind == FieldKind::boolean) return "true or false";
  if (kind == FieldKind::enumeration) return cat("one of ", join(as_strings(names), ", "));
  if (kind == FieldKind::number) return cat("above ", shortest(above), ", up to ", shortest(up_to), word.empty() ? "" : cat(", or ", word));
  std::string text;
  for (const std::int64_t& value : also) text += cat(value, &value == &also.back() ? " or " : ", ");
  return cat(text, least, " to ", most);
}

std::string FieldDescription::value_text(const FieldValue& value) const {
  if (kind == FieldKind::number) {
    const double number = std::get<double>(value);
    return !word.empty() && number == word_value ? std::string(word) : shortest(number);
  }
  const std::int64_t integral = std::get<std::int64_t>(value);
  return kind == FieldKind::integer ? std::to_string(integral) : std::string(names[static_cast<std::size_t>(integral)]);
}

std::optional<FieldValue> FieldDescription::value_of(std::string_view text) const {
  if (kind == FieldKind::number) {
    if (!word.empty() && text == word) return word_value;
    const std::optional<double> value = parse_number(text);
    if (!value || !(*value > above && *value <= up_to)) return std::nullopt;
    return *value;
  }
  if (kind == FieldKind::integer) {
    const std::optional<std::int64_t> value = parse_integer(text);
    if (!value) return std::nullopt;
    const bool allowed = (*value >= least && *value <= most) || std::ranges::find(also, *value) != also.end();
    return allowed ? std::optional<FieldValue>(*value) : std::nullopt;
  }
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::int64_t>(found - names.begin());
}

template <>
std::span<const SchemeRow> part_rows<Scheme>() {
  return rows;
}

template <>
std::span<const StageRow> part_rows<Stage>() {
  return stages;
}

std::string_view name_of(Clip clip) { return clip_names[static_cast<std::size_t>(clip)]; }
std::string_view name_of(ActivationType type) { return activation_names[static_cast<std::size_t>(type)]; }
std::string_view name_of(CalibratorKind kind) { return calibrator_names[static_cast<std::size_t>(kind)]; }
std::string_view name_of(Float8Format format) { return float8_names[static_cast<std::size_t>(format)]; }

}  // namespace titrate
