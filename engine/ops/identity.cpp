// Operators that hand their input on: Identity, Dropout (inference), Cast, CastLike, BitCast.
#include <algorithm>

#include "engine/ops/convert.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

Step prepare_copy(const PrepareRequest&) {
  return [](RunContext& run) { copy_elements(run.in(0), run.out()); };
}

// Output 1 is the mask of what is kept: everything. Older opsets say so in the input's type.
std::vector<OutputType> infer_dropout(const InferRequest& request) {
  check_type(request, 0, float_types);
  const OutputType output = like_first_input(request)[0];
  return {output, {.type = request.opset < 10 ? output.type : DataType::boolean, .shape = output.shape}};
}

bool is_training(const RunContext& run) {
  const bool asked = run.has(2) && run.in(2).elements() > 0 && run.in(2).bits<std::uint8_t>()[0] != 0;
  return asked && !(run.has(1) && run.in(1).elements() > 0 && to_doubles(run.in(1))[0] == 0.0);
}

Step prepare_dropout(const PrepareRequest& request) {
  if (request.opset < 7 && request.node.integer("is_test", 0) == 0) request.refuse("it drops at random: attribute 'is_test' is 0");
  return [](RunContext& run) {
    if (is_training(run)) throw_invalid("it drops at random: input 2 (training_mode) is true");
    copy_elements(run.in(0), run.out());
    if (run.outputs.size() < 2 || !run.out(1).exists()) return;
    convert(Tensor::of<float>(run.in(0).shape(), std::vector<float>(static_cast<std::size_t>(run.in(0).elements()), 1.0F)), run.out(1));
  };
}

constexpr TypeSet castable_types = movable_types;

Conversion conversion_of(const Node& node) {
  Conversion conversion{.saturate = node.integer("saturate", 1) != 0};
  const std::string rounding = node.text("round_mode", "up");
  if (rounding == "down") conversion.rounding = PowerRounding::down;
  if (rounding == "nearest") conversion.rounding = PowerRounding::nearest;
  return conversion;
}

void check_rounding(const InferRequest& request) {
  const std::string rounding = request.node.text("round_mode", "up");
  if (rounding != "up" && rounding != "down" && rounding != "nearest") request.refuse("attribute 'round_mode' must be up, down or nearest");
}

std::vector<OutputType> infer_cast(const InferRequest& request) {
  check_type(request, 0, castable_types);
  check_rounding(request);
  if (request.node.find("to") == nullptr) request.refuse("attribute 'to' is missing");
  const DataType to = type_attribute(request, "to", DataType::undefined);
  if (!castable_types.has(to)) request.refuse(cat("a cast to ", name_of(to), " is not supported"));
  return {{.type = to, .shape = request.need(0).shape}};
}

std::vector<OutputType> infer_cast_like(const InferRequest& request) {
  check_type(request, 0, castable_types);
  check_type(request, 1, castable_types);
  check_rounding(request);
  return {{.type = request.type(1), .shape = request.need(0).shape}};
}

Step prepare_cast(const PrepareRequest& request) {
  return [conversion = conversion_of(request.node)](RunContext& run) { convert(run.in(0), run.out(), conversion); };
}

std::vector<OutputType> infer_bit_cast(const InferRequest& request) {
  constexpr TypeSet allowed = number_types | boolean_type | small_types;
  check_type(request, 0, allowed);
  if (request.node.find("to") == nullptr) request.refuse("attribute 'to' is missing");
  const DataType to = type_attribute(request, "to", DataType::undefined);
  const DataType from = request.type(0);
  if (!allowed.has(to)) request.refuse(cat("bits cannot be read as ", name_of(to)));
  if (from != DataType::undefined && bits_of(from) != bits_of(to)) {
    request.refuse(cat("elements of type ", name_of(from), " and ", name_of(to), " differ in width"));
  }
  return {{.type = to, .shape = request.need(0).shape}};
}

constexpr OperatorDefinition rows[] = {
    {.type = "Identity", .infer = infer_like_first<movable_types>, .prepare = prepare_copy, .aliases_input = true},
    {.type = "Dropout", .most_inputs = 3, .infer = infer_dropout, .prepare = prepare_dropout},
    {.type = "Cast", .first_opset = 6, .infer = infer_cast, .prepare = prepare_cast},
    {.type = "CastLike", .first_opset = 15, .least_inputs = 2, .most_inputs = 2, .infer = infer_cast_like, .prepare = prepare_cast},
    {.type = "BitCast", .first_opset = 26, .infer = infer_bit_cast, .prepare = prepare_copy},
};

}  // namespace

Family identity() { return rows; }

}  // namespace titrate::engine::ops
