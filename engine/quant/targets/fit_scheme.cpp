#include "engine/quant/targets/fit_scheme.hpp"

#include "engine/base/text.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

class Fitting {
 public:
  Fitting(const Target& target, std::string_view type, std::string_view behind) : target_(target), type_(type), behind_(behind) {}

  // Weights of few bits, however their codes are found.
  template <class Stored>
  requires requires(Stored scheme) {
    scheme.bits;
    scheme.group_size;
  }
  FittedScheme operator()(const Stored& asked) const {
    Stored scheme = asked;
    const Pattern* pattern = target_.storage_pattern(type_, DataType::float32);
    if (pattern == nullptr) return refused("no pattern of stored weights for ");
    const WeightRule& rule = *pattern->weights;
    std::string remark;
    bool symmetric = false;
    if constexpr (requires { scheme.sym; }) {
      if (rule.symmetric) change(scheme.sym, true, "weights are symmetric", remark);
      symmetric = scheme.sym;
    } else if (rule.symmetric) {
      return refused("no pattern of weights with a zero point for ");
    }
    const DataType stored = storage_type(symmetric ? signed_range(scheme.bits) : unsigned_range(scheme.bits));
    if (!rule.takes(stored))
      return {.scheme = scheme, .remark = {}, .refusal = cat("the target ", target_.name, " takes no ", name_of(stored), " weights here")};
    if (scheme.group_size > 0 && !rule.per_block) change(scheme.group_size, -1, "weights have no blocks", remark);
    if (scheme.group_size == -1 && !rule.per_channel) change(scheme.group_size, 0, "weights have one scale for all", remark);
    if (scheme.group_size == 0 && !rule.per_tensor) change(scheme.group_size, -1, "weights have a scale for each channel", remark);
    return {.scheme = scheme, .remark = with_name(remark)};
  }

  // A scheme of which nothing is known here stores weights its own way.
  template <class Other>
  FittedScheme operator()(const Other& scheme) const {
    const Pattern* pattern = target_.storage_pattern(type_, DataType::float32);
    if (pattern == nullptr) return refused("no pattern of stored weights for ");
    if (!pattern->weights->types.empty())
      return {.scheme = scheme, .remark = {}, .refusal = cat("the target ", target_.name, " does not list the types that it stores")};
    return {.scheme = scheme, .remark = {}};
  }
  FittedScheme operator()(const FloatScheme& scheme) const { return {.scheme = scheme, .remark = {}}; }

  FittedScheme operator()(const Bf16Scheme& scheme) const {
    const Pattern* pattern = target_.storage_pattern(type_, DataType::float32);
    if (pattern == nullptr || !pattern->weights->takes(DataType::bfloat16)) return refused("no pattern with bfloat16 weights for ");
    return {.scheme = scheme, .remark = {}};
  }

  FittedScheme operator()(StaticInt8Scheme scheme) const {
    const Pattern* pattern = target_.integer_pattern(type_, behind_);
    if (pattern == nullptr || !pattern->weights) pattern = target_.integer_pattern(type_);
    std::string remark;
    if (type_ == "Gather") {  // a table: only its storage counts
      const Pattern* storage = target_.storage_pattern(type_, DataType::float32);
      if (storage == nullptr) return refused("no pattern of stored weights for ");
      fit_weights(*storage->weights, scheme.weight_sym, scheme.per_channel, remark);
      return {.scheme = scheme, .remark = with_name(remark)};
    }
    if (pattern == nullptr || !pattern->weights) return refused("no pattern on integers for ");
    const bool takes_unsigned = pattern->input.takes(DataType::uint8);
    const bool takes_signed = pattern->input.takes(DataType::int8);
    if (!takes_unsigned && !takes_signed) return refused("no pattern with 8-bit activations for ");
    change(scheme.act, takes_unsigned ? takes_signed ? scheme.act : ActivationType::u8 : ActivationType::s8,
           takes_unsigned ? "activations are uint8" : "activations are int8", remark);
    if (pattern->input.symmetric) change(scheme.act_sym, true, "activations are symmetric", remark);
    fit_weights(*pattern->weights, scheme.weight_sym, scheme.per_channel, remark);
    return {.scheme = scheme, .remark = with_name(remark)};
  }

  FittedScheme operator()(DynamicInt8Scheme scheme) const {
    const Pattern* pattern = target_.dynamic_pattern(type_);
    if (pattern == nullptr) return refused("no pattern with scales found in each run for ");
    std::string remark;
    if (!pattern->input.takes(DataType::int8)) change(scheme.act, ActivationType::u8, "activations are uint8", remark);
    if (!pattern->input.takes(DataType::uint8)) change(scheme.act, ActivationType::s8, "activations are int8", remark);
    if (pattern->weights) fit_weights(*pattern->weights, scheme.weight_sym, scheme.per_channel, remark);
    return {.scheme = scheme, .remark = with_name(remark)};
  }

  FittedScheme operator()(Fp8Scheme scheme) const {
    // ONNX has no E3M4: its numbers are stored in float16 and computed in float.
    const DataType stored = scheme.format == Float8Format::e4m3   ? DataType::float8e4m3fn
                            : scheme.format == Float8Format::e5m2 ? DataType::float8e5m2
                                                                  : DataType::float16;
    const bool only_weights = scheme.weights_only || stored == DataType::float16 || type_ == "Gather";
    const Pattern* pattern = target_.storage_pattern(type_, only_weights ? DataType::float32 : stored);
    if (pattern == nullptr || !pattern->weights->takes(stored)) return refused(cat("no pattern with ", name_of(stored), " for "));
    std::string remark;
    if (!pattern->weights->per_channel) change(scheme.per_channel, false, "weights have one scale for all", remark);
    if (!pattern->weights->per_tensor) change(scheme.per_channel, true, "weights have a scale for each channel", remark);
    return {.scheme = scheme, .remark = with_name(remark)};
  }

 private:
  template <class Value>
  static void change(Value& value, Value to, std::string_view what, std::string& remark) {
    if (value == to) return;
    value = to;
    remark += cat(remark.empty() ? "" : ", ", what);
  }

  static void fit_weights(const WeightRule& rule, bool& symmetric, bool& per_channel, std::string& remark) {
    // Symmetric weights are int8 here, others uint8.
    if (rule.symmetric || !rule.takes(DataType::uint8)) change(symmetric, true, "weights are int8 and symmetric", remark);
    if (!rule.takes(DataType::int8)) change(symmetric, false, "weights are uint8", remark);
    if (!rule.per_channel) change(per_channel, false, "weights have one scale for all", remark);
    if (!rule.per_tensor) change(per_channel, true, "weights have a scale for each channel", remark);
  }

  [[nodiscard]] std::string with_name(const std::string& remark) const {
    return remark.empty() ? remark : cat("for the target ", target_.name, ": ", remark);
  }

  [[nodiscard]] FittedScheme refused(std::string_view what) const {
    return {.scheme = FloatScheme{}, .remark = {}, .refusal = cat("the target ", target_.name, " has ", what, type_)};
  }

  const Target& target_;
  std::string_view type_;
  std::string_view behind_;
};

}  // namespace

FittedScheme fit_scheme(const Target& target, std::string_view type, std::string_view behind, const Scheme& wanted) {
  return std::visit(Fitting(target, type, behind), wanted);
}

}  // namespace titrate::engine
