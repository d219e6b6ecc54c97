// node compare_products.mjs TITRATE_NET FOLDER [ROUNDS] [SECONDS]
// One MatMulNBits of K = N = 4096 in blocks of 32, titrate and ONNX Runtime in turn on one thread, so that what else the machine does hits
// both alike. Models are written to FOLDER. Needs ONNX Runtime as compare.mjs does. CPU time of a run; the ratio is the median of the
// rounds' ratios. The last row is a product of next to nothing: what a run costs besides.
import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {createInterface} from 'node:readline';

const [program, folder, rounds = '7', seconds = '0.5'] = process.argv.slice(2);
const require = createRequire(path.join(process.env.ORT_MODULES ?? process.cwd(), 'x.js'));
const ort = require('onnxruntime-node');

// --- a model, as protobuf writes it
function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
function bytes(field, content) {
  const body = Buffer.isBuffer(content) ? content : Buffer.from(content);
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
}
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));
const FLOAT = 1, UINT8 = 2;
const tensor = (name, type, dims, raw) => message(5, ...dims.map((dim) => number(1, dim)), number(2, type), bytes(8, name), bytes(9, raw));
const value = (field, name, dims) =>
    message(field, bytes(1, name), message(2, message(1, number(1, FLOAT), message(2, ...dims.map((dim) => message(1, number(1, dim)))))));
const integer = (name, amount) => message(5, bytes(1, name), number(3, amount), number(20, 2));

function product({rows, depth, columns, bits, level}) {
  const block = 32;
  const blocks = depth / block;
  const codes = Buffer.alloc(columns * blocks * block * bits / 8);
  let state = 1;
  for (let i = 0; i < codes.length; ++i) codes[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  const scales = Float32Array.from({length: columns * blocks}, (_, i) => 0.001 * (1 + i % 7));
  const node = message(1, ...['x', 'codes', 'scales'].map((name) => bytes(1, name)), bytes(2, 'y'), bytes(4, 'MatMulNBits'),
                       bytes(7, 'com.microsoft'), integer('K', depth), integer('N', columns), integer('bits', bits),
                       integer('block_size', block), integer('accuracy_level', level));
  const graph = message(7, node, bytes(2, 'product'), tensor('codes', UINT8, [columns, blocks, block * bits / 8], codes),
                        tensor('scales', FLOAT, [columns, blocks], Buffer.from(scales.buffer)), value(11, 'x', [rows, depth]),
                        value(12, 'y', [rows, columns]));
  return Buffer.concat([number(1, 8), graph, message(8, bytes(1, ''), number(2, 17)), message(8, bytes(1, 'com.microsoft'), number(2, 1))]);
}

// --- both sides
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function ortRunner(model, shape) {
  const session = await ort.InferenceSession.create(model, {intraOpNumThreads: 1, interOpNumThreads: 1});
  const x = new ort.Tensor('float32', Float32Array.from({length: shape[0] * shape[1]}, (_, i) => (i % 97) / 97), shape);
  return async () => {
    let runs = 0;
    let y;
    const cpu = process.cpuUsage();
    const end = performance.now() + 1000 * Number(seconds);
    do {
      y = (await session.run({x})).y;
      ++runs;
    } while (performance.now() < end);
    const used = process.cpuUsage(cpu);
    return {cpu_ms: (used.user + used.system) / 1000 / runs, checksum: y.data.reduce((a, b) => a + b, 0)};
  };
}

function titrateRunner(model) {
  const child = spawn(program, ['measure', model, 'samples', '1'], {stdio: ['pipe', 'pipe', 'inherit']});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const run = async () => {
    child.stdin.write(`${seconds}\n`);
    return JSON.parse((await lines.next()).value);
  };
  run.end = () => child.stdin.end();
  return run;
}

mkdirSync(folder, {recursive: true});
console.log('| M | bits | arithmetic | titrate ms | ONNX Runtime ms | ONNX Runtime / titrate |');
console.log('|---|---|---|---|---|---|');
const large = {depth: 4096, columns: 4096};
const cases = [1, 16, 128].flatMap((rows) => [4, 8].flatMap((bits) => [1, 4].map((level) => ({...large, rows, bits, level}))));
for (const each of [...cases, {rows: 1, depth: 32, columns: 16, bits: 4, level: 1}]) {
  const model = path.join(folder, `product_${each.rows}_${each.bits}_${each.level}.onnx`);
  writeFileSync(model, product(each));
  const ours = titrateRunner(model);
  const theirs = await ortRunner(model, [each.rows, each.depth]);
  const seen = {ours: [], theirs: []};
  for (let round = 0; round <= Number(rounds); ++round) {
    const pair = {ours: await ours(), theirs: await theirs()};
    if (round === 0) continue;  // the first round warms up
    seen.ours.push(pair.ours);
    seen.theirs.push(pair.theirs);
  }
  ours.end();
  const [a, b] = [seen.ours[0].checksum, seen.theirs[0].checksum];
  if (Math.abs(a - b) > 1e-2 * Math.max(1, Math.abs(b))) console.error(`the outputs differ: ${a} and ${b}`);
  const ratio = median(seen.ours.map((result, i) => seen.theirs[i].cpu_ms / result.cpu_ms));
  const ms = (who) => median(seen[who].map((result) => result.cpu_ms)).toFixed(3);
  console.log(`| ${each.rows} | ${each.bits} | ${each.level === 4 ? 'int8' : 'float'} | ${ms('ours')} | ${ms('theirs')} | ${ratio.toFixed(2)} |`);
}
