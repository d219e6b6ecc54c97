// What each weight algorithm keeps of a model at 8, 4, 3 and 2 bits: metric, output SQNR, bytes and processor seconds of the conversion.
//   node benchmarks/quality.mjs [m1 m2 m3 m5 m6 ...] [--quick] [--finished] [--write]
// Without --quick every algorithm at every width and group; with it 4 bits only. Every finished cell is kept in build/quality under the
// program's hash: what is interrupted goes on where it was. --finished: nothing is measured, only what is kept is shown. --write: the tables
// of benchmarks/QUALITY.md anew, those of other models are kept.
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const titrate = process.env.TITRATE_PROGRAM ?? path.join(here, '../build/release/bin/titrate');
const shared = path.join(here, '../../shared/models');
const page = path.join(here, 'QUALITY.md');

// `slow`: algorithms that take minutes a cell there, measured at 4 bits only.
const models = {
  m1: {folder: 'm1_mnist_cnn', metric: 'top1', digits: 4},
  m2: {folder: 'm2_squeezenet_imagenet', metric: 'top1', digits: 4, slow: ['adaround', 'finetune + rtn', 'finetune + gptq']},
  m3: {folder: 'm3_resnet4b_cifar10', metric: 'top1', digits: 4},
  m5: {folder: 'm5_stories260k', metric: 'perplexity', digits: 3},
};
const algorithms = ['rtn', 'hqq', 'awq', 'gptq', 'signround', 'adaround', 'finetune + rtn', 'finetune + gptq'];
const clipped = new Set(['rtn', 'awq', 'gptq', 'adaround']);
const groups = [-1, 128, 32];
// No built-in metric serves a detector: its outputs are compared with the float model's.
models.m6 = {folder: 'm6_yolox_nano_coco', metric: 'sqnr', digits: 1, widths: [4], left_out: ['adaround']};
// Output SQNR needs fewer samples than a count of right answers; all where nothing is said.
const compared = {m2: 50, m6: 16};

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const finished = args.includes('--finished');
const write = args.includes('--write');
const named = args.filter((word) => !word.startsWith('--'));

// One thread each, so that seconds can be compared whatever else the machine does: `times` says what the processor spent on the children.
function timed(command) {
  const words = ['-c', '"$@" && times', 'sh', titrate, ...command, '--threads', '1', '--json'];
  const text = execFileSync('sh', words, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28});
  const end = text.lastIndexOf('}') + 1;
  const spent = text.slice(end).trim().split('\n').at(-1).split(/\s+/).map((time) => time.match(/(\d+)m([\d.]+)s/).slice(1).map(Number));
  return {document: JSON.parse(text.slice(0, end)), seconds: spent.reduce((sum, [minutes, seconds]) => sum + 60 * minutes + seconds, 0)};
}

const json = (command) => timed(command).document;

const program = createHash('sha256').update(fs.readFileSync(titrate)).digest('hex').slice(0, 12);

// What was measured before by this very program, or is now. A file for each model, so that models can be measured side by side.
function cell(name, key, measured) {
  const file = path.join(here, '../build/quality', `${program}-${name}.json`);
  const read = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {});
  const known = read()[key];
  if (known !== undefined) return known;
  if (finished) throw new Error('not measured yet');
  const found = measured();
  fs.mkdirSync(path.dirname(file), {recursive: true});
  fs.writeFileSync(file, JSON.stringify({...read(), [key]: found}, null, 1));
  return found;
}

// The description of a model's first samples.
function firstSamples(folder, count, output) {
  const whole = JSON.parse(fs.readFileSync(path.join(folder, 'eval.json'), 'utf8'));
  const absolute = (each) => ({...each, source: path.join(folder, each.source)});
  const inputs = Object.fromEntries(Object.entries(whole.inputs).map(([name, each]) => [name, absolute(each)]));
  const first = whole.range?.[0] ?? 0;
  fs.writeFileSync(output, JSON.stringify({...whole, inputs, labels: absolute(whole.labels), range: [first, first + count]}));
  return output;
}

// A stage before an algorithm, with its defaults: "finetune + gptq".
function configOf(named, bits, group) {
  const [algorithm, ...stages] = named.split(' + ').reverse();
  const fields = [`bits=${bits}`, `group_size=${group}`];
  if (algorithm !== 'hqq') fields.push('sym=false');
  if (clipped.has(algorithm)) fields.push('clip=mse');
  return [...stages.map((stage) => `${stage}()`), `${algorithm}(${fields.join(',')})`].join(' + ');
}

function measure(name, model, config, output) {
  const folder = path.join(shared, model.folder);
  const file = path.join(folder, 'model.onnx');
  const data = ['--data', path.join(folder, 'eval.json')];
  const {document, seconds} = timed(['quantize', file, '--config', config, '--calibration', path.join(folder, 'calibration.json'), '--output', output]);
  const part = compared[name] === undefined ? data : ['--data', firstSamples(folder, compared[name], `${output}.json`)];
  const sqnr = json(['eval', output, ...part, '--metric', 'sqnr', '--reference', file]).value;
  const value = model.metric === 'sqnr' ? sqnr : json(['eval', output, ...data, '--metric', model.metric]).value;
  return {value, sqnr, bytes: document.size_bytes, seconds};
}

function tableOf(name, model, rows, baseline) {
  const said = baseline === null ? 'no built-in metric' : `float ${model.metric} ${baseline.toFixed(model.digits)}`;
  const lines = [`## ${name}: ${model.folder}, ${said}`, '',
    `| bits | groups | algorithm | ${model.metric} | output SQNR, dB | bytes | seconds |`, '| ---: | ---: | --- | ---: | ---: | ---: | ---: |'];
  for (const row of rows) {
    const best = rows.filter((other) => other.bits === row.bits && other.group === row.group)
      .every((other) => (model.metric === 'perplexity' ? other.value >= row.value : other.value <= row.value));
    const value = row.value.toFixed(model.digits);
    lines.push(`| ${row.bits} | ${row.group === -1 ? 'channel' : row.group} | ${row.algorithm} | ${best ? `**${value}**` : value} | ${row.sqnr?.toFixed(1) ?? '-'} | ` +
               `${row.bytes} | ${row.seconds.toFixed(1)} |`);
  }
  return lines.join('\n') + '\n';
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'titrate-quality-'));
const tables = {};
for (const [name, model] of Object.entries(models)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const folder = path.join(shared, model.folder);
  if (!fs.existsSync(folder)) {
    console.error(`quality: no ${model.folder} in ../shared/models: left out`);
    continue;
  }
  const whole = ['eval', path.join(folder, 'model.onnx'), '--data', path.join(folder, 'eval.json'), '--metric', model.metric];
  const baseline = model.metric === 'sqnr' ? null : cell(name, 'float', () => json(whole).value);
  const rows = [];
  for (const bits of quick ? [4] : model.widths ?? [8, 4, 3, 2]) {
    for (const group of groups) {
      const measured = algorithms.filter((each) => !model.left_out?.includes(each) && (bits === 4 || !model.slow?.includes(each)));
      for (const algorithm of measured) {
        const config = configOf(algorithm, bits, group);
        try {
          rows.push({bits, group, algorithm, ...cell(name, config, () => measure(name, model, config, path.join(scratch, 'candidate.onnx')))});
          const last = rows.at(-1);
          console.error(`quality: ${name} ${config}: ${last.value.toFixed(model.digits)}, ${last.sqnr?.toFixed(1)} dB, ${last.seconds.toFixed(1)} s`);
        } catch (error) {
          console.error(`quality: ${name} ${config} failed: ${String(error.message).split('\n')[0]}`);
        }
      }
    }
  }
  tables[name] = tableOf(name, model, rows, baseline);
}
fs.rmSync(scratch, {recursive: true});

if (!write) {
  console.log(Object.values(tables).join('\n'));
} else {
  // Sections begin with "## m1: ..."; those that were not measured now stay.
  const [head, ...old] = fs.readFileSync(page, 'utf8').split(/^(?=## m\d)/m);
  const kept = Object.fromEntries(old.map((text) => [text.slice(3, 5), text.trimEnd() + '\n']));
  fs.writeFileSync(page, [head.trimEnd() + '\n', ...Object.entries({...kept, ...tables}).sort().map(([, text]) => text)].join('\n'));
}
