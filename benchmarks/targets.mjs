// What each row should reach, and what the machine allows. Speed is a peer's time / our time: above 1 we are faster.
// The figures are those of issue 7 (time of ONNX Runtime 1.30 / our time) for machines with VNNI only and with AMX. Where a machine has
// neither, only the float targets, which are the same everywhere, apply.

const target = (vnni, amx, everywhere = false) => ({ vnni, amx, everywhere });

const kernelTargets = [
  // the first that fits
  [(row) => row.type === 'f32' && /^depthwise/.test(row.case), null],
  [(row) => row.type === 'f32' && /^3x3/.test(row.case), target([0.95, 1.4], [0.95, 1.1], true)],
  [(row) => row.type === 'f32', target([0.95, 1], [0.95, 1.1], true)],
  [(row) => row.type === 'i8' && /^(1|16)x/.test(row.case) && !/->/.test(row.case), target([1.1, 1.2], [1.2, 2])],
  [(row) => row.type === 'i8' && /^\d+x\d+x\d+$/.test(row.case), target([1, 1.1], [1.4, 1.75])],
  [(row) => row.type === 'i8' && / 3->/.test(row.case), target([1.5, 2], [1.5, 3])],
  [(row) => row.type === 'i8' && /^3x3/.test(row.case), target([0.97, 1.08], [3.5, 5])],
  [(row) => row.type === 'i8' && /^1x1/.test(row.case), target([1.05, 1.2], [2, 4])],
  [(row) => row.type === 'i8' && /^depthwise/.test(row.case), target([2, 3], [2, 3])],
  [(row) => row.type === '4-bit i8' && /M=1 from DRAM/.test(row.case), target([1.3, 1.5], [1, 1.1])],
  [(row) => row.type === '4-bit i8' && /M=1$/.test(row.case), target([1.3, 1.7], [1, 1.1])],
  [(row) => row.type === '4-bit i8', target([2, 2.6], [4, 6])],
];

const modelTargets = [
  [(row) => row.type === 'f32', target([0.95, 1.1], [0.95, 1.1], true)],
  [(row) => row.type === 'i8' && row.case === 'resnet18', target([1.05, 1.12], [2.1, 2.8])],
  [(row) => row.type === 'i8' && row.case === 'mobilenet_v2', target([1.3, 1.65], [1.6, 2.2])],
  [(row) => row.type === 'i8' && row.case === 'squeezenet11', target([1.25, 1.45], [1.4, 2])],
];

/// {must, aim} for the speed beside ONNX Runtime, or null where nothing is asked.
export function targetOf(row, machine) {
  const rules = { kernel: kernelTargets, model: modelTargets }[row.kind] ?? [];
  const found = rules.find(([fits]) => fits(row))?.[1];
  if (!found) return null;
  const pair = machine === 'amx' ? found.amx : machine === 'vnni' || found.everywhere ? found.vnni : null;
  return pair && { must: pair[0], aim: pair[1] };
}

/// With one core taken: time of all threads / time of one thread, at most.
export const mostUnderContention = 1.1;
/// INT8 beside our own float32 in every network, where VNNI exists.
export const leastInt8OverFloat = 2.5;

// Operations of one image (multiply and add are two).
const networkOperations = { resnet18: 3.63e9, mobilenet_v2: 0.6e9, squeezenet11: 0.7e9 };

function peakOf(type, limits, width) {
  const peaks = limits.giga_operations;
  const rate = (name) => peaks[name]?.[width] ?? 0;
  const float = Math.max(rate('f32 FMA, 256 bit'), rate('f32 FMA, 512 bit'));
  const integer = rate('i8 AMX from L2') || rate('i8 VNNI, 512 bit') || Math.max(rate('i8 maddubs, 256 bit'), rate('i8 maddwd, 256 bit'));
  return type.includes('i8') ? integer : float;
}

/// The least time that arithmetic and memory allow, in ms: operations / peak, or bytes / rate of the level of memory that holds them.
export function roofOf(row, limits) {
  const width = row.threads > 1 ? 'all' : 'one';
  if (row.kind === 'model') {
    const operations = networkOperations[row.case] * row.batch;
    return operations > 0 ? operations / peakOf(row.type, limits, width) / 1e6 : null;
  }
  if (row.kind !== 'kernel') return null;
  const level = row.bytes < 0.8 * limits.l2_bytes ? 'L2' : row.bytes < 0.8 * limits.l3_bytes ? 'L3' : 'DRAM';
  return Math.max(row.operations / peakOf(row.type, limits, width), row.bytes / limits.giga_bytes[level][width]) / 1e6;
}
