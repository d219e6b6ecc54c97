// TensorRT, explicit quantization (docs.nvidia.com, TensorRT: Working with Quantized Types, Explicit Quantization): int8 codes of either
// sign with zero point 0; activations per tensor, weights per tensor or per channel; the inputs of layers with weights are quantized, their
// outputs only where the next layer wants it; of a residual addition the input that skips the layers is quantized, the other stays in the
// accumulator. Another zero point ends parsing (NVIDIA/TensorRT issue 2774), and so does a DequantizeLinear of an int32 bias
// (microsoft/onnxruntime issue 14229, NVIDIA/TensorRT issue 3360): biases stay float. Weights alone may have 4 bits, with scales for
// blocks.
#include "engine/quant/targets/built_in.hpp"

namespace titrate::engine {

const std::string_view tensorrt_description = R"json({
  "schema": 1,
  "name": "tensorrt",
  "load_failures": ["zero_point", "bias", "type"],
  "patterns": [
    {"operators": ["Conv|Gemm|MatMul"],
     "input": {"types": ["int8"], "symmetric": true},
     "weights": {"types": ["int8"], "granularity": ["channel", "tensor"], "symmetric": true},
     "bias": {"types": ["float32"]},
     "output": {"types": ["int8"], "symmetric": true, "quantized": "if_wanted"}},
    {"operators": ["Add"], "inputs": "residual",
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "parameters": "own"}},
    {"operators": ["AveragePool|GlobalAveragePool"],
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "parameters": "own"}},
    {"operators": ["Concat|MaxPool|Reshape|Transpose|Flatten|Squeeze|Unsqueeze|Slice|Split|Expand|Tile|DepthToSpace|Resize"],
     "input": {"types": ["int8"], "symmetric": true},
     "output": {"types": ["int8"], "symmetric": true, "parameters": "equal"}},
    {"operators": ["Conv|Gemm|MatMul|Add", "Relu|Clip"], "fused": "always"},
    {"operators": ["Conv|Gemm|MatMul"],
     "input": {"types": ["float32"]},
     "weights": {"types": ["int8", "int4"], "granularity": ["block", "channel", "tensor"], "symmetric": true}},
    {"operators": ["Conv|Gemm|MatMul"],
     "input": {"types": ["float8e4m3fn"]},
     "weights": {"types": ["float8e4m3fn"], "granularity": ["channel", "tensor"], "symmetric": true}}
  ]
})json";

}  // namespace titrate::engine
