// Runs models in ONNX Runtime for tests that compare with it.
//   node ort_run.mjs JOBS.json      with TITRATE_ORT_MODULES = the folder that holds node_modules/onnxruntime-node
// JOBS.json: {"runs": [{"model": "a.onnx", "inputs": {"x": "x.npy"}, "outputs": "folder"}]}; each output is written to
// <folder>/<its index>.npy. On stdout one JSON array: for each run null, or what ONNX Runtime said against it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const modules = process.env.TITRATE_ORT_MODULES;
if (!modules) {
  console.error('TITRATE_ORT_MODULES is not set');
  process.exit(2);
}
const ort = createRequire(join(modules, 'node_modules', 'x.js'))('onnxruntime-node');

// NumPy's type, ONNX Runtime's type, the array that holds it.
const types = [
  ['<f4', 'float32', Float32Array], ['<f8', 'float64', Float64Array], ['<f2', 'float16', Uint16Array],
  ['<i8', 'int64', BigInt64Array], ['<i4', 'int32', Int32Array], ['<i2', 'int16', Int16Array], ['|i1', 'int8', Int8Array],
  ['<u8', 'uint64', BigUint64Array], ['<u4', 'uint32', Uint32Array], ['<u2', 'uint16', Uint16Array], ['|u1', 'uint8', Uint8Array],
  ['|b1', 'bool', Uint8Array],
];

function readNpy(path) {
  const file = readFileSync(path);
  const wide = file[6] > 1;
  const size = wide ? file.readUInt32LE(8) : file.readUInt16LE(8);
  const start = (wide ? 12 : 10) + size;
  const header = file.subarray(wide ? 12 : 10, start).toString('latin1');
  const descr = /'descr': '([^']+)'/.exec(header)[1];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').map((part) => part.trim()).filter(Boolean).map(Number);
  const [, type, Holder] = types.find(([name]) => name === descr || name.slice(1) === descr.slice(1));
  const bytes = new Uint8Array(file.subarray(start));  // a copy, aligned
  return new ort.Tensor(type, new Holder(bytes.buffer, 0, bytes.byteLength / Holder.BYTES_PER_ELEMENT), dims);
}

function writeNpy(path, tensor) {
  const [descr] = types.find(([, type]) => type === tensor.type);
  const dims = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const size = Buffer.alloc(2);
  size.writeUInt16LE(header.length);
  const data = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  writeFileSync(path, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), size, Buffer.from(header, 'latin1'), data]));
}

async function run({ model, inputs, outputs }) {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };
  const session = await ort.InferenceSession.create(model, options);
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, path]) => [name, readNpy(path)]));
  const results = await session.run(feeds);
  mkdirSync(outputs, { recursive: true });
  session.outputNames.forEach((name, index) => writeNpy(join(outputs, `${index}.npy`), results[name]));
  await session.release();
}

const said = [];
for (const job of JSON.parse(readFileSync(process.argv[2], 'utf8')).runs) {
  said.push(await run(job).then(() => null, (error) => String(error.message ?? error)));
}
console.log(JSON.stringify(said));
