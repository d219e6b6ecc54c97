// What ONNX Runtime, OpenVINO and TensorRT all run on integers: the narrowest of each rule of the three descriptions beside this one. int8
// with zero point 0 is TensorRT's; the quantizer behind each Conv, and a Relu only where the quantizer does its work, ONNX Runtime's; equal
// scales around a Concat OpenVINO's. Biases stay float, which ONNX Runtime turns into int32 by itself: the weights' scales keep them small
// enough.
#include "engine/quant/targets/built_in.hpp"

namespace titrate::engine {

const std::string_view any_description = R"json({
  "schema": 1,
  "name": "any",
  "onnxruntime": true,
  "quantizes_float_layers": true,
  "load_failures": ["zero_point", "bias", "type"],
  "patterns": [
    {"operators": ["Conv"],
     "input": {"types": ["int8"], "symmetric": true},
     "weights": {"types": ["int8"], "granularity": ["channel", "tensor"], "symmetric": true},
     "bias": {"types": ["float32"]},
     "output": {"types": ["int8"], "symmetric": true, "quantized": "always"}},
    {"operators": ["Gemm|MatMul"],
     "input": {"types": ["int8"], "symmetric": true},
     "weights": {"types": ["int8"], "granularity": ["channel", "tensor"], "symmetric": true},
     "bias": {"types": ["float32"]},
     "output": {"types": ["int8"], "symmetric": true, "quantized": "if_wanted"}},
    {"operators": ["MatMul", "Add"], "fused": "never", "output": {"types": ["int8"], "symmetric": true, "quantized": "always"}},
    {"operators": ["Add|AveragePool|GlobalAveragePool"],
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "parameters": "own"}},
    {"operators": ["Concat|MaxPool|Reshape|Transpose|Flatten|Squeeze|Unsqueeze|Slice|Split|Expand|Tile|DepthToSpace|Resize"],
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "parameters": "equal"}},
    {"operators": ["Conv|Gemm|MatMul|Add|AveragePool|GlobalAveragePool|Concat", "Relu|Clip"], "fused": "if_redundant"},
    {"operators": ["Conv|Gemm|MatMul"],
     "input": {"types": ["float32"]},
     "weights": {"types": ["int8", "int4"], "granularity": ["block", "channel", "tensor"], "symmetric": true}}
  ]
})json";

}  // namespace titrate::engine
