// All benchmarks beside the peers, in one run: `./dev bench`. Writes one JSON file and prints the tables made from it.
//   node benchmarks/run.mjs [--quick] [--output FILE.json] [--write] [FILTER]
// FILTER: a part (limits, kernels, models, contention, tuning) or a text that a row's name contains. --quick: few rounds and short turns, to
// see that everything works. --write: the tables also replace those of benchmarks/README.md.
// ONNX Runtime is found through TITRATE_ORT_MODULES, a folder with node_modules/onnxruntime-node; without it its columns stay empty.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { commit, lines, modelFolders, output, processors, root, say, watchOthers } from './machine.mjs';
import { tables, writeTables } from './tables.mjs';
import { roofOf, targetOf } from './targets.mjs';
import { tuningRows } from './tuning.mjs';

const parts = ['limits', 'kernels', 'models', 'contention', 'tuning'];

function parse(words) {
  const options = { quick: false, write: false, output: null, filter: '' };
  for (let i = 0; i < words.length; ++i) {
    if (words[i] === '--quick') options.quick = true;
    else if (words[i] === '--write') options.write = true;
    else if (words[i] === '--output') options.output = words[++i];
    else if (words[i].startsWith('--')) throw new Error(`there is no option ${words[i]}`);
    else options.filter = words[i];
  }
  return options;
}

const options = parse(process.argv.slice(2));
const build = process.env.TITRATE_BUILD ?? path.join(root, 'build/release');
const program = (name) => path.join(build, 'bin', name);
const only = parts.includes(options.filter) ? options.filter : null;
const text = only ? '' : options.filter;
const wanted = (part) => !only || only === part;
const turns = (rounds, seconds) => (options.quick ? ['--rounds', 3, '--seconds', seconds / 5] : ['--rounds', rounds, '--seconds', seconds]).map(String);
const threadCounts = processors > 1 ? [1, processors] : [1];

async function besidePeers(words) {
  try {
    return lines(await output(program('beside_peers'), words.map(String)));
  } catch (error) {
    say(`failed: ${error.message}`);
    return error.text ? lines(error.text) : [];
  }
}

async function kernelRows() {
  const rows = [];
  for (const threads of threadCounts) {
    say(`kernels, ${threads} thread${threads > 1 ? 's' : ''}`);
    rows.push(...(await besidePeers(['kernels', '--threads', threads, ...turns(9, 0.05), ...(text ? ['--filter', text] : [])])));
  }
  return rows;
}

// {name, type, file}: each network as it is, quantized by ourselves to INT8, and with 4-bit weights.
async function quantized(name, file, calibration, folder) {
  const variants = [{ name, type: 'f32', file }];
  for (const [type, config, words] of [['i8', 'static_int8()', ['--calibration', calibration]], ['4-bit', 'rtn(bits=4)', []]]) {
    const target = path.join(folder, `${name}.${type}.onnx`);
    try {
      await output(program('titrate'), ['quantize', file, '--config', config, ...words, '--output', target, '--json']);
      variants.push({ name, type, file: target });
    } catch (error) {
      say(`${name} ${type} is left out: ${error.message}`);
    }
  }
  return variants;
}

// Made once; the contention part asks for one of them again.
const networks = new Map();
async function network(name, folder) {
  if (!existsSync(path.join(folder, `${name}.onnx`))) await output(program('write_networks'), [folder]);
  if (!networks.has(name)) {
    networks.set(name, await quantized(name, path.join(folder, `${name}.onnx`), path.join(folder, 'calibration.npz'), folder));
  }
  return networks.get(name);
}

async function networkRows(variants, folder) {
  const rows = [];
  const batches = options.quick ? [1] : [1, 32];
  for (const batch of batches) {
    for (const variant of variants) {
      if (batch > 1 && variant.type === '4-bit') continue;  // float arithmetic, as at batch 1
      let { file } = variant;
      if (batch > 1) {
        file = path.join(folder, `batch${batch}.onnx`);
        await output(program('write_networks'), ['--batch', String(batch), variant.file, file]);
      }
      for (const threads of options.quick ? [processors] : threadCounts) {
        const shape = batch > 1 ? turns(3, 0.1) : turns(5, 0.3);
        rows.push(...(await besidePeers(['model', variant.name, variant.type, file, '--batch', batch, '--threads', threads, ...shape])));
      }
    }
  }
  return rows;
}

async function modelRows(folder) {
  const rows = [];
  for (const name of ['resnet18', 'mobilenet_v2', 'squeezenet11']) {
    if (!name.includes(text)) continue;
    say(`models: ${name}`);
    rows.push(...(await networkRows(await network(name, folder), folder)));
  }
  for (const [id, place] of Object.entries(modelFolders())) {
    if (!id.includes(text)) continue;
    say(`models: ${id}`);
    const variants = await quantized(id, path.join(place, 'model.onnx'), path.join(place, 'calibration.json'), folder);
    for (const variant of variants) {
      for (const threads of options.quick ? [processors] : threadCounts) {
        rows.push(...(await besidePeers(['model', id, variant.type, variant.file, '--threads', threads, ...turns(5, 0.1)])));
      }
    }
  }
  return rows;
}

async function contentionRows(folder) {
  if (processors < 2) {
    say('contention needs two processors: left out');
    return [];
  }
  say('contention: another process keeps one core busy');
  const variants = (await network('resnet18', folder)).filter(({ type }) => type !== '4-bit');
  return besidePeers(['contention', ...variants.map(({ file }) => file), '--threads', processors, ...turns(5, 0.25)]);
}

const begin = performance.now();
const others = watchOthers();
const folder = mkdtempSync(path.join(tmpdir(), 'titrate-bench-'));
try {
  if (!existsSync(program('beside_peers'))) throw new Error(`${program('beside_peers')} is not built`);
  const [versions] = lines(await output(program('beside_peers'), ['versions']));
  if (!versions.onnxruntime) say('ONNX Runtime is not here: `npm i --ignore-scripts onnxruntime-node@1.30.0` in a folder, TITRATE_ORT_MODULES=<that folder>');
  if (!versions.onednn) say('oneDNN is not built in: install libdnnl-dev and configure again');
  say('limits of this machine');
  const [limits] = lines(await output(program('limits'), [String(processors)]));
  const rows = [];
  if (wanted('kernels')) rows.push(...(await kernelRows()));
  if (wanted('models')) rows.push(...(await modelRows(folder)));
  if (wanted('contention') && !text) rows.push(...(await contentionRows(folder)));
  if (wanted('tuning') && !text) rows.push(...(await tuningRows(program('titrate'), { quick: options.quick, ...(options.quick ? { ids: ['m1'] } : {}) })));
  for (const row of rows) {
    const roof = roofOf(row, limits);
    if (roof) row.roof_ms = roof;
    const target = targetOf(row, limits.machine);
    if (target) row.target = target;
  }
  const document = {
    schema: 1, command: ['./dev bench', options.quick && '--quick', options.filter].filter(Boolean).join(' '), commit: commit(), quick: options.quick, versions, limits,
    seconds: (performance.now() - begin) / 1000, processors_used_by_others: others(), rows,
  };
  const file = options.output ?? path.join(build, 'benchmarks.json');
  writeFileSync(file, JSON.stringify(document, null, 1) + '\n');
  console.log(tables(document));
  if (options.write) writeTables(path.join(root, 'benchmarks/README.md'), [document]);
  say(`${file}; the tables again: node benchmarks/tables.mjs ${file}`);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
