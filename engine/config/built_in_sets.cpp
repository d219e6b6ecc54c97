// A tuning run ends, unless told otherwise, with the first config that passes: so each set goes from the most compressed to the least. What
// counts is what is stored: the bits of a weight, then the scales (fewer groups first), then the zero points (symmetric first). At the same
// size those come first that also quantize activations, because they run as integers; among equals, what is more often right. Only widths
// that ONNX has a type for and that ONNX Runtime loads: rtn(bits=3) is stored in 4 bits, so it would cost accuracy and save nothing.
#include "engine/config/built_in_sets.hpp"

#include <algorithm>
#include <array>

#include "engine/base/text.hpp"

namespace titrate {

namespace {

// 4 bits need a range that is searched for; only for the group of 32, which everybody knows, the plain range is tried too. GPTQ takes some
// seconds longer than rounding to nearest and stores as much: it follows where that was not good enough (benchmarks/QUALITY.md). Groups of
// 128 and 64 are hardly ever what decides.
constexpr std::string_view four_bit_rows =
    "rtn(bits=4,group_size=-1,clip=mse);"
    "gptq(bits=4,group_size=-1);"
    "rtn(bits=4,group_size=-1,sym=false,clip=mse);"
    "gptq(bits=4,group_size=-1,sym=false)";
constexpr std::string_view four_bit_groups =
    "rtn(bits=4,group_size=[128,64],sym=[true,false],clip=mse);"
    "rtn(bits=4,group_size=32,clip=[mse,none]);"
    "gptq(bits=4,group_size=32);"
    "rtn(bits=4,group_size=32,sym=false,clip=[mse,none]);"
    "gptq(bits=4,group_size=32,sym=false,act_order=[false,true]);"
    "bias_correction() + gptq(bits=4,group_size=32,sym=false);"
    "rtn(bits=4,group_size=16,sym=[true,false],clip=mse);"
    "gptq(bits=4,group_size=16,sym=false)";

// For who can run opset 25. Below 4 bits only what learns from data is worth a trial; which of them is best differs from model to model.
// Training keeps most nearly everywhere, and takes three to eight times as long as the algorithm that it starts from: at each size it comes
// last.
constexpr std::string_view two_bit_weights =
    "gptq(bits=2,group_size=-1,sym=false);"
    "signround(bits=2,group_size=-1,sym=false);"
    "adaround(bits=2,group_size=-1,sym=false);"
    "finetune() + gptq(bits=2,group_size=-1,sym=false);"
    "gptq(bits=2,group_size=32,sym=false);"
    "signround(bits=2,group_size=32,sym=false);"
    "finetune() + gptq(bits=2,group_size=32,sym=false);"
    "gptq(bits=2,group_size=16,sym=false);"
    "signround(bits=2,group_size=16,sym=false);"
    "finetune() + gptq(bits=2,group_size=16,sym=false)";

// Only in `low_bit`: on a large model a trial of these takes minutes, and most that 4 bits lose the algorithms above keep.
constexpr std::string_view four_bit_rows_trained = "finetune() + gptq(bits=4,group_size=-1,sym=false)";
constexpr std::string_view four_bit_groups_trained = "finetune() + gptq(bits=4,group_size=[32,16],sym=false)";

constexpr std::string_view static_integers =
    "static_int8(per_channel=false,calibrator=[minmax,mse]);"
    "static_int8(calibrator=[minmax,mse,entropy,moving_average]);"
    "static_int8(calibrator=percentile,percentile=[99.99,99.9]);"
    "static_int8(weight_sym=false)";

constexpr std::string_view eight_bit_weights = "rtn(bits=8,group_size=[0,-1,32],sym=[true,false])";

constexpr std::string_view eight_bit_floats = "fp8();fp8(calibrator=mse);fp8(weights_only=true)";

// Forms that ONNX Runtime loads. No gain over integers in groups with a searched range on the models measured, so not part of `all`.
constexpr std::string_view block_formats =
    "nf4(group_size=[-1,128]);mx(format=fp4,rule=best,storage=table);nf4();nvfp4(rule=best,storage=table);"
    "mx(format=int8,rule=best);mx(rule=best,weights_only=[true,false])";

// Other operators than matrix products stay float, so of most models less is compressed than by any of the above.
constexpr std::string_view dynamic_integers = "dynamic_int8(per_channel=[false,true])";

// Where 8 bits lose too much, the last step before float: half the size.
constexpr std::string_view half_floats = "bf16()";

// The presets of NNCF: weights are symmetric in both; of activations, performance gives up the zero point, and so the half of the codes
// that a Relu leaves unused, which some processors repay in speed.
constexpr std::string_view symmetric_activations = "static_int8(act_sym=true,calibrator=[minmax,moving_average,mse])";
constexpr std::string_view asymmetric_activations = "static_int8(calibrator=[minmax,moving_average,mse])";

std::array<ConfigSetRow, 8> make_rows() {
  const std::string four_bit_weights = cat(four_bit_rows, ";", four_bit_groups);
  return {
      ConfigSetRow{"int8", "weights and activations in 8-bit integers", cat(static_integers, ";", dynamic_integers)},
      ConfigSetRow{"weight_only", "weights in 4 and 8 bits, activations stay float", cat(four_bit_weights, ";", eight_bit_weights)},
      ConfigSetRow{
          "low_bit", "weights in 2 bits (opset 25), then in 4, trained too (slow)",
          cat(two_bit_weights, ";", four_bit_rows, ";", four_bit_rows_trained, ";", four_bit_groups, ";", four_bit_groups_trained)},
      ConfigSetRow{"fp8", "8-bit floats", cat("fp8(per_channel=false);", eight_bit_floats, ";fp8(format=e5m2,weights_only=[false,true])")},
      ConfigSetRow{"microscaling", "microscaling formats, NVFP4 and NF4: blocks that share a scale", std::string(block_formats)},
      ConfigSetRow{"all", "all of these that are worth a trial",
                   join(std::array<std::string, 6>{four_bit_weights, std::string(static_integers), std::string(eight_bit_weights),
                                                   std::string(eight_bit_floats), std::string(dynamic_integers), std::string(half_floats)},
                        ";")},
      ConfigSetRow{"performance", "8-bit integers, weights and activations symmetric", std::string(symmetric_activations)},
      ConfigSetRow{"mixed", "8-bit integers, weights symmetric, activations with a zero point", std::string(asymmetric_activations)},
  };
}

}  // namespace

std::span<const ConfigSetRow> config_set_rows() {
  static const std::array<ConfigSetRow, 8> rows = make_rows();
  return rows;
}

const ConfigSetRow* config_set_named(std::string_view name) {
  const std::span<const ConfigSetRow> rows = config_set_rows();
  const auto found = std::ranges::find(rows, name, &ConfigSetRow::name);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace titrate
