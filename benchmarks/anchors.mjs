// What others' tools reach on the models of ../shared/models at a loss of at most 1 %: the best INT8 result of each, as measured once on two
// shared cores. Sizes and numbers of evaluations are exact, seconds within a factor of two.
export const anchors = {
  m1: [
    { tool: 'NNCF 3.1', metric: 0.98889, bytes: 19313, evaluations: 3, seconds: 3.7 },
    { tool: 'INC 2.6', metric: 0.98878, bytes: 11148, evaluations: 2, seconds: 9 },
    { tool: 'onnx/neural-compressor 1.0', metric: 0.98889, bytes: 10743, evaluations: 2, seconds: 7 },
  ],
  m2: [
    { tool: 'NNCF 3.1', metric: 0.605, bytes: 1309172, evaluations: 3, seconds: 36 },
    { tool: 'INC 2.6', metric: 0.61, bytes: 1292779, evaluations: 2, seconds: 52 },
    { tool: 'onnx/neural-compressor 1.0', crash: true },
  ],
  m3: [
    { tool: 'NNCF 3.1', metric: 0.7507, bytes: 144856, evaluations: 3, seconds: 6 },
    { tool: 'INC 2.6', metric: 0.7553, bytes: 135864, evaluations: 2, seconds: 12 },
    { tool: 'onnx/neural-compressor 1.0', metric: 0.7553, bytes: 136092, evaluations: 2, seconds: 14 },
  ],
};
