// ONNX Runtime's CPU provider: what its QDQ passes fuse (microsoft/onnxruntime:
// onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc), and what it computes in float on
// weights stored in few bits. engine/passes/lower has the same rules to the last detail; here stands what placement needs.
#include "engine/quant/targets/built_in.hpp"

namespace titrate::engine {

const std::string_view onnxruntime_description = R"json({
  "schema": 1,
  "name": "onnxruntime",
  "onnxruntime": true,
  "quantizes_float_layers": true,
  "patterns": [
    {"operators": ["Conv"],
     "input": {"types": ["uint8", "int8"]},
     "weights": {"types": ["int8", "uint8"], "granularity": ["channel", "tensor"]},
     "bias": {"types": ["int32", "float32"], "scale": "input*weights"},
     "output": {"types": ["uint8", "int8"], "quantized": "always"}},
    {"operators": ["Gemm|MatMul"],
     "input": {"types": ["uint8", "int8"]},
     "weights": {"types": ["int8", "uint8"], "granularity": ["channel", "tensor"]},
     "bias": {"types": ["int32", "float32"], "scale": "input*weights"},
     "output": {"types": ["uint8", "int8"], "quantized": "if_wanted"}},
    {"operators": ["MatMul", "Add"], "fused": "never", "output": {"types": ["uint8", "int8"], "quantized": "always"}},
    {"operators": ["Add|Mul|AveragePool|GlobalAveragePool|LeakyRelu|Sigmoid"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "own"}},
    {"operators": ["Concat"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "equal_better"}},
    {"operators": ["MaxPool|Reshape|Transpose|Flatten|Squeeze|Unsqueeze|Slice|Split|Expand|Tile|DepthToSpace|Resize"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "equal"}},
    {"operators": ["Conv|Gemm|MatMul|Add|Mul|AveragePool|GlobalAveragePool|LeakyRelu|Sigmoid|Concat", "Relu|Clip"], "fused": "if_redundant"},
    {"operators": ["Softmax|Where"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "own"}, "placed": false},
    {"operators": ["Gather|GatherElements|ReduceMax|ReduceMin"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "equal"}, "placed": false},
    {"operators": ["MatMul|Gemm"],
     "input": {"types": ["uint8", "int8"], "dynamic": true},
     "weights": {"types": ["int8", "uint8"], "granularity": ["channel", "tensor"]}},
    {"operators": ["Conv|ConvTranspose|Gemm|MatMul"],
     "input": {"types": ["float32", "float8e4m3fn", "float8e5m2"]},
     "weights": {"types": ["any"], "granularity": ["block", "channel", "tensor"]}},
    {"operators": ["Gather"], "input": {"types": ["float32"]}, "weights": {"types": ["any"], "granularity": ["block", "channel", "tensor"]}}
  ]
})json";

}  // namespace titrate::engine
