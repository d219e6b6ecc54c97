// FP8: weights stored as 8-bit floats; unless weights_only the inputs are rounded to them too. The arithmetic stays float32 (algorithms
// A10-A12).
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/float16.hpp"
#include "engine/base/float8.hpp"
#include "engine/base/text.hpp"
#include "engine/ops/float_arrays.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/stored_weights.hpp"
#include "engine/quant/weight_matrix.hpp"
#include "engine/quant/weights_for_node.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme& scheme) {
  const auto& fp8 = std::get<Fp8Scheme>(scheme);
  return !fp8.weights_only && fp8.format != Float8Format::e3m4;
}

std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }
Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

const SmallFloat& format_of(const Fp8Scheme& scheme) {
  switch (scheme.format) {
    case Float8Format::e4m3:
      return float8e4m3fn;
    case Float8Format::e5m2:
      return float8e5m2;
    case Float8Format::e3m4:
      break;
  }
  return float8e3m4fn;
}

struct Encoded {
  std::vector<float> scales;        // one a row, or one
  std::vector<std::uint8_t> codes;  // [rows, columns]
  Energies sums;
};

Encoded encode_weights(const WeightMatrix& weights, const SmallFloat& format, bool per_channel) {
  Encoded encoded;
  std::vector<float> largest(per_channel ? static_cast<std::size_t>(weights.rows) : 1);
  const auto unit = [&](std::int64_t row) { return per_channel ? static_cast<std::size_t>(row) : std::size_t{0}; };
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const ops::FloatRange range = ops::range_of(weights.row(row));
    largest[unit(row)] = std::max({largest[unit(row)], -range.lowest, range.highest});
  }
  for (const float magnitude : largest) encoded.scales.push_back(symmetric_parameters(magnitude / format.largest, 1).scale);
  encoded.codes.resize(weights.elements.size());
  std::vector<float> back(static_cast<std::size_t>(weights.columns));
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    const float scale = encoded.scales[unit(row)];
    const auto elements = weights.row(row);
    const auto codes = std::span(encoded.codes).subspan(static_cast<std::size_t>(row * weights.columns), elements.size());
    ops::encode_to(codes, elements, format, scale);
    ops::decode_to(back, codes, format, scale);
    for (std::size_t column = 0; column < elements.size(); ++column) {
      const double error = static_cast<double>(elements[column]) - static_cast<double>(back[column]);
      encoded.sums.signal += static_cast<double>(elements[column]) * static_cast<double>(elements[column]);
      encoded.sums.noise += error * error;
    }
  }
  return encoded;
}

// ONNX has the type: DequantizeLinear, opset 19. One scale a row also where all are equal: runtimes move a scalar one through a Reshape.
ValueId write_float8(GraphRewriter& rewriter, const std::string& name, const Encoded& encoded, DataType type, std::int64_t rows) {
  Tensor codes = Tensor::uninitialized(type, {rows, static_cast<std::int64_t>(encoded.codes.size()) / rows});
  std::copy(encoded.codes.begin(), encoded.codes.end(), codes.mutable_bits<std::uint8_t>().begin());
  std::vector<float> scales(static_cast<std::size_t>(rows), encoded.scales[0]);
  if (encoded.scales.size() > 1) scales = encoded.scales;
  const ValueId stored = rewriter.add_constant(name + "_quantized", std::move(codes));
  const ValueId scale = rewriter.add_constant(name + "_scale", Tensor::of<float>({rows}, scales));
  const ValueId zero_point = rewriter.add_constant(name + "_zero_point", Tensor::zeros(type, {rows}));
  rewriter.require_opset(19);
  return rewriter.add_node("DequantizeLinear", name + "_DequantizeLinear", {stored, scale, zero_point}, name + "_dequantized",
                           {attribute("axis", std::int64_t{0})});
}

// ONNX has no E3M4: every value of it is exact in float16, which a Cast and a Mul turn back into weights.
ValueId write_as_float16(GraphRewriter& rewriter, const std::string& name, const Encoded& encoded, std::int64_t rows) {
  Tensor values = Tensor::uninitialized(DataType::float16, {rows, static_cast<std::int64_t>(encoded.codes.size()) / rows});
  std::transform(encoded.codes.begin(), encoded.codes.end(), values.mutable_bits<std::uint16_t>().begin(),
                 [](std::uint8_t code) { return half_from_float(decode(float8e3m4fn, code)); });
  const ValueId stored = rewriter.add_constant(name + "_e3m4", std::move(values));
  const ValueId scale =
      rewriter.add_constant(name + "_scale", Tensor::of<float>({static_cast<std::int64_t>(encoded.scales.size()), 1}, encoded.scales));
  const ValueId floats = rewriter.add_node("Cast", name + "_Cast", {stored}, name + "_floats",
                                           {attribute("to", static_cast<std::int64_t>(DataType::float32))});
  return rewriter.add_node("Mul", name + "_Mul", {floats, scale}, name + "_scaled");
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<Fp8Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const WeightMatrix weights = weight_matrix_of(rewriter.graph(), node);
  const Encoded encoded = encode_weights(weights, format_of(scheme), scheme.per_channel);
  const std::string name = rewriter.graph()[node.inputs[weight_input(node)]].name;
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = signal_to_noise_db(encoded.sums.signal, encoded.sums.noise);
  const auto elements = static_cast<std::int64_t>(encoded.codes.size());
  const auto units = static_cast<std::int64_t>(encoded.scales.size());
  ValueId value = ValueId::none;
  if (scheme.format == Float8Format::e3m4) {
    value = write_as_float16(rewriter, name, encoded, weights.rows);
    decision.stored_bytes = 2 * elements + 4 * units;
    decision.remark("ONNX has no E3M4 type: stored exactly in float16");
    if (!scheme.weights_only) decision.remark("activations stay float: no ONNX operator rounds to E3M4");
  } else {
    value = write_float8(rewriter, name, encoded, scheme.format == Float8Format::e4m3 ? DataType::float8e4m3fn : DataType::float8e5m2,
                         weights.rows);
    decision.stored_bytes = elements + 5 * weights.rows;
  }
  replace_weights(rewriter, assignment.node, value, weights);
}

}  // namespace

const QuantizerRow fp8_scheme{"fp8", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
