#include "engine/passes/raise_opset/table.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace titrate::engine::raise {
namespace {

// Checked: from opset 7 to 25 their later versions take more types, more shapes or new attributes whose defaults are the old meaning.
// Of note:
// - AveragePool, MaxPool: ceil_mode 10, dilations 10 and 19 default to off; 22 says of ceil_mode what implementations did all along.
// - Cast, CastLike 24: infinities become the largest number of the FNUZ types, as 19 meant.
// - OneHot 11: negative indices count from the end; before they were not allowed.
// - Gather 11, ScatterElements 11 and others: the same.
// - GRU, LSTM, RNN 14: layout 0 is the old order. Quantize- and DequantizeLinear 13: axis matters with several scales only, new there.
// - Sum, Mean, Max, Min 8: broadcasting is new. Pow 12, PRelu 9: types.
constexpr std::string_view checked[] = {"Abs",
                                        "Acos",
                                        "Acosh",
                                        "Add",
                                        "AffineGrid",
                                        "And",
                                        "ArgMax",
                                        "ArgMin",
                                        "Asin",
                                        "Asinh",
                                        "Atan",
                                        "Atanh",
                                        "Attention",
                                        "AveragePool",
                                        "Bernoulli",
                                        "BitShift",
                                        "BitwiseAnd",
                                        "BitwiseNot",
                                        "BitwiseOr",
                                        "BitwiseXor",
                                        "BlackmanWindow",
                                        "Cast",
                                        "CastLike",
                                        "Ceil",
                                        "Celu",
                                        "CenterCropPad",
                                        "Col2Im",
                                        "Compress",
                                        "Concat",
                                        "ConcatFromSequence",
                                        "Constant",
                                        "ConstantOfShape",
                                        "Conv",
                                        "ConvInteger",
                                        "ConvTranspose",
                                        "Cos",
                                        "Cosh",
                                        "CumSum",
                                        "DeformConv",
                                        "DepthToSpace",
                                        "DequantizeLinear",
                                        "Det",
                                        "Div",
                                        "DynamicQuantizeLinear",
                                        "Einsum",
                                        "Elu",
                                        "Equal",
                                        "Erf",
                                        "Exp",
                                        "Expand",
                                        "EyeLike",
                                        "Flatten",
                                        "Floor",
                                        "GRU",
                                        "Gather",
                                        "GatherElements",
                                        "GatherND",
                                        "Gelu",
                                        "Gemm",
                                        "GlobalAveragePool",
                                        "GlobalLpPool",
                                        "GlobalMaxPool",
                                        "Greater",
                                        "GreaterOrEqual",
                                        "HammingWindow",
                                        "HannWindow",
                                        "HardSigmoid",
                                        "HardSwish",
                                        "Identity",
                                        "If",
                                        "ImageDecoder",
                                        "InstanceNormalization",
                                        "IsInf",
                                        "IsNaN",
                                        "LRN",
                                        "LSTM",
                                        "LayerNormalization",
                                        "LeakyRelu",
                                        "Less",
                                        "LessOrEqual",
                                        "Log",
                                        "Loop",
                                        "LpNormalization",
                                        "LpPool",
                                        "MatMul",
                                        "MatMulInteger",
                                        "Max",
                                        "MaxPool",
                                        "MaxRoiPool",
                                        "MaxUnpool",
                                        "Mean",
                                        "MeanVarianceNormalization",
                                        "MelWeightMatrix",
                                        "Min",
                                        "Mish",
                                        "Mod",
                                        "Mul",
                                        "Multinomial",
                                        "Neg",
                                        "NegativeLogLikelihoodLoss",
                                        "NonMaxSuppression",
                                        "NonZero",
                                        "Not",
                                        "OneHot",
                                        "Optional",
                                        "OptionalGetElement",
                                        "OptionalHasElement",
                                        "Or",
                                        "PRelu",
                                        "Pow",
                                        "QLinearConv",
                                        "QLinearMatMul",
                                        "QuantizeLinear",
                                        "RMSNormalization",
                                        "RNN",
                                        "RandomNormal",
                                        "RandomNormalLike",
                                        "RandomUniform",
                                        "RandomUniformLike",
                                        "Range",
                                        "Reciprocal",
                                        "RegexFullMatch",
                                        "Relu",
                                        "Reshape",
                                        "ReverseSequence",
                                        "RotaryEmbedding",
                                        "Round",
                                        "STFT",
                                        "ScatterElements",
                                        "ScatterND",
                                        "Selu",
                                        "SequenceAt",
                                        "SequenceConstruct",
                                        "SequenceEmpty",
                                        "SequenceErase",
                                        "SequenceInsert",
                                        "SequenceLength",
                                        "SequenceMap",
                                        "Shape",
                                        "Shrink",
                                        "Sigmoid",
                                        "Sign",
                                        "Sin",
                                        "Sinh",
                                        "Size",
                                        "SoftmaxCrossEntropyLoss",
                                        "Softplus",
                                        "Softsign",
                                        "SpaceToDepth",
                                        "SplitToSequence",
                                        "Sqrt",
                                        "StringConcat",
                                        "StringNormalizer",
                                        "StringSplit",
                                        "Sub",
                                        "Sum",
                                        "Swish",
                                        "Tan",
                                        "Tanh",
                                        "TensorScatter",
                                        "TfIdfVectorizer",
                                        "ThresholdedRelu",
                                        "Tile",
                                        "Transpose",
                                        "Trilu",
                                        "Unique",
                                        "Where",
                                        "Xor"};

}  // namespace

std::span<const Change> changes() {
  static const std::vector<Change> all = [] {
    std::vector<Change> rows;
    for (const Changes group : {attributes_to_inputs(), axes_to_inputs(), normalizations(), resizings(), softmaxes(), renamings()}) {
      rows.insert(rows.end(), group.begin(), group.end());
    }
    return rows;
  }();
  return all;
}

const Change* find_change(std::string_view type, int version) {
  const auto all = changes();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Change& row) { return row.type == type && row.version == version; });
  return found == all.end() ? nullptr : &*found;
}

bool is_listed(std::string_view type) {
  const auto all = changes();
  return std::find(std::begin(checked), std::end(checked), type) != std::end(checked) ||
         std::any_of(all.begin(), all.end(), [&](const Change& row) { return row.type == type; });
}

}  // namespace titrate::engine::raise
