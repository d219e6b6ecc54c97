// OpenVINO on CPUs, as NNCF quantizes for it (openvinotoolkit/nncf: src/nncf/common/hardware/setups/cpu.py and
// src/nncf/onnx/graph/metatypes/groups.py): activations of either sign, weights int8, symmetric, per channel; the inputs of a Concat share
// their scales; the quantizer stands behind a Relu, which belongs to the layer. Biases stay float: Low Precision Transformations add them
// behind the dequantization (docs.openvino.ai: OpenVINO Low Precision Transformations). Sigmoid, Softmax and LayerNormalization are float
// there. Weight compression takes 4 and 8 bits with or without groups, for matrix products,
// convolutions and embeddings (Gather).
#include "engine/quant/targets/built_in.hpp"

namespace titrate::engine {

const std::string_view openvino_description = R"json({
  "schema": 1,
  "name": "openvino",
  "patterns": [
    {"operators": ["Conv|Gemm|MatMul"],
     "input": {"types": ["uint8", "int8"]},
     "weights": {"types": ["int8"], "granularity": ["channel", "tensor"], "symmetric": true},
     "bias": {"types": ["float32", "int32"], "scale": "input*weights"},
     "output": {"types": ["uint8", "int8"], "quantized": "if_wanted"}},
    {"operators": ["Add|Mul|AveragePool|GlobalAveragePool"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "own"}},
    {"operators": ["Concat"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "equal"}},
    {"operators": ["MaxPool|Reshape|Transpose|Flatten|Squeeze|Unsqueeze|Slice|Split|Expand|Tile|DepthToSpace|Resize"],
     "input": {"types": ["uint8", "int8"]},
     "output": {"types": ["uint8", "int8"], "parameters": "equal"}},
    {"operators": ["Conv|Gemm|MatMul|Add|Mul|AveragePool|GlobalAveragePool|Concat", "Relu|Clip"], "fused": "always"},
    {"operators": ["Conv|Gemm|MatMul|Gather"],
     "input": {"types": ["float32"]},
     "weights": {"types": ["int8", "uint8", "int4", "uint4"], "granularity": ["block", "channel", "tensor"]}}
  ]
})json";

}  // namespace titrate::engine
