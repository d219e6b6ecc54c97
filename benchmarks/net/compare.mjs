// node compare.mjs TITRATE_NET MODEL.onnx [ROUNDS] [SECONDS]
// Times of one evaluation at batch 1, titrate and ONNX Runtime in turn, so that what else the machine does hits both alike. Needs
// `npm i onnxruntime-node@1.30.0` in the folder that ORT_MODULES names (default: the current one).
import {spawn} from 'node:child_process';
import {createRequire} from 'node:module';
import path from 'node:path';
import {createInterface} from 'node:readline';

const [program, model, rounds = '10', seconds = '1'] = process.argv.slice(2);
const require = createRequire(path.join(process.env.ORT_MODULES ?? process.cwd(), 'x.js'));
const ort = require('onnxruntime-node');

const shape = [1, 3, 224, 224];
const image = Float32Array.from({length: shape.reduce((a, b) => a * b)}, (_, i) => (i % 97) / 97);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function ortRunner(mode, threads) {
  const intra = mode === 'intra' ? threads : 1;
  const sessions = [];
  for (let i = 0; i < (mode === 'samples' ? threads : 1); ++i) {
    sessions.push(await ort.InferenceSession.create(model, {intraOpNumThreads: intra, interOpNumThreads: 1}));
  }
  return async () => {
    const wall = [];
    let checksum = 0;
    const cpu = process.cpuUsage();
    const end = performance.now() + 1000 * Number(seconds);
    await Promise.all(sessions.map(async (session) => {
      do {
        const begin = performance.now();
        const outputs = await session.run({[session.inputNames[0]]: new ort.Tensor('float32', image, shape)});
        wall.push(performance.now() - begin);
        checksum = outputs[session.outputNames[0]].data.reduce((a, b) => a + b, 0);
      } while (performance.now() < end);
    }));
    const used = process.cpuUsage(cpu);
    return {wall_ms: median(wall), cpu_ms: (used.user + used.system) / 1000 / wall.length, checksum};
  };
}

function titrateRunner(mode, threads) {
  const child = spawn(program, ['measure', model, mode, String(threads)], {stdio: ['pipe', 'pipe', 'inherit']});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const run = async () => {
    child.stdin.write(`${seconds}\n`);
    return JSON.parse((await lines.next()).value);
  };
  run.end = () => child.stdin.end();
  return run;
}

const spread = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(1);
  return `${at(0.5)} (${at(0.1)}-${at(0.9)})`;
};

console.log('| mode | clock | titrate ms | ONNX Runtime ms | titrate / ONNX Runtime |');
console.log('|---|---|---|---|---|');
for (const [mode, threads] of [['samples', 1], ['samples', 2], ['intra', 2]]) {
  const runners = {ours: titrateRunner(mode, threads), theirs: await ortRunner(mode, threads)};
  const seen = {ours: [], theirs: []};
  for (let round = 0; round <= Number(rounds); ++round) {
    for (const who of ['ours', 'theirs']) {
      const result = await runners[who]();
      if (round > 0) seen[who].push(result);  // the first round warms up
    }
  }
  runners.ours.end();
  const [a, b] = [seen.ours[0].checksum, seen.theirs[0].checksum];
  if (Math.abs(a - b) > 1e-3 * Math.max(1, Math.abs(b))) console.error(`the outputs differ: ${a} and ${b}`);
  for (const clock of ['wall_ms', 'cpu_ms']) {
    const ratios = seen.ours.map((result, i) => result[clock] / seen.theirs[i][clock]);
    const of = (who) => spread(seen[who].map((result) => result[clock]));
    console.log(`| ${mode} ${threads} | ${clock.slice(0, 4)} | ${of('ours')} | ${of('theirs')} | ${median(ratios).toFixed(2)} |`);
  }
}
