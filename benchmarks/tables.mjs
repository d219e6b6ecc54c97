// The tables of benchmarks/README.md from the JSON of run.mjs.
//   node benchmarks/tables.mjs FILE.json ... [--write]      prints them, or puts them between the markers of benchmarks/README.md
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { anchors } from './anchors.mjs';
import { leastInt8OverFloat, mostUnderContention } from './targets.mjs';

const opening = '<!-- tables: made by tables.mjs, do not edit -->';
const closing = '<!-- end of tables -->';

const digits = (number, count = 3) => {
  if (number === null || number === undefined || !Number.isFinite(number)) return '';
  if (number === 0) return '0';
  if (Math.abs(number) < 1e-3) return number.toExponential(count - 1);
  const decimals = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(number))));
  return number.toFixed(Math.min(decimals, 4));
};
const percent = (share) => (share ? `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %` : '');
const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
const table = (titles, rows) => [row(titles), row(titles.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(row)].join('\n');

const time = (result) => (result?.ms ? `${digits(result.ms)} (${digits(result.p10)}-${digits(result.p90)})` : '–');
const speed = (result) => (result?.ratio ? `${result.ratio.median.toFixed(2)} (${result.ratio.low.toFixed(2)}-${result.ratio.high.toFixed(2)})` : '–');

// "1.1 / 1.2", with a mark where the speed is below what must be.
function goal(result, target) {
  if (!target) return '';
  const words = `${target.must} / ${target.aim}`;
  if (!result?.ratio) return words;
  const reached = result.ratio.median;
  return reached >= target.aim ? `${words} ✓✓` : reached >= target.must ? `${words} ✓` : `${words} ✗`;
}

function remarks(rows) {
  const seen = new Map();
  for (const each of rows) {
    const ours = each.results.titrate;
    if (ours?.remark) seen.set(ours.remark, [...(seen.get(ours.remark) ?? []), `${each.case} ${each.type}`]);
  }
  return [...seen].map(([remark, names]) => `\ntitrate, ${[...new Set(names)].join('; ')}: ${remark}`).join('');
}

function kernelTable(rows, threads) {
  const chosen = rows.filter((each) => each.kind === 'kernel' && each.threads === threads);
  if (chosen.length === 0) return '';
  const body = chosen.map(({ case: name, type, results, target, roof_ms: roof }) => [
    name, type, time(results.titrate), percent(results.titrate?.ms ? roof / results.titrate.ms : null), time(results.onnxruntime),
    speed(results.onnxruntime), goal(results.onnxruntime, target), speed(results.onednn), speed(results.eigen)]);
  const titles = ['kernel', 'type', 'titrate ms', 'share of roof', 'ONNX Runtime ms', 'speed / ONNX Runtime', 'must / aim', 'speed / oneDNN', 'speed / Eigen'];
  return `### Kernels, ${threads} thread${threads > 1 ? 's' : ''}\n\n${table(titles, body)}\n${remarks(chosen)}\n`;
}

function modelTable(rows) {
  const chosen = rows.filter((each) => each.kind === 'model');
  if (chosen.length === 0) return '';
  const float = (each) => chosen.find((other) => other.type === 'f32' && ['case', 'threads', 'batch'].every((key) => other[key] === each[key]));
  const body = chosen.map((each) => {
    const { results, roof_ms: roof } = each;
    const ours = results.titrate?.ms;
    const overFloat = each.type === 'i8' && ours && float(each)?.results.titrate?.ms / ours;
    return [each.case, each.type, each.threads, each.batch, time(results.titrate), ours ? digits(1000 * each.batch / ours) : '',
      percent(ours ? roof / ours : null), time(results.onnxruntime), speed(results.onnxruntime), goal(results.onnxruntime, each.target),
      overFloat ? overFloat.toFixed(2) : '', each.difference === null ? '' : digits(each.difference, 2)];
  });
  const titles = ['model', 'type', 'threads', 'batch', 'titrate ms', 'samples/s', 'share of peak', 'ONNX Runtime ms', 'speed / ONNX Runtime', 'must / aim',
    'over our float32', 'outputs differ'];
  return `### Models\n\n${table(titles, body)}\n${remarks(chosen)}\n\nINT8 must be ${leastInt8OverFloat} times as fast as our own float32 in every CNN where VNNI ` +
    'exists. "Outputs differ": the largest difference from ONNX Runtime over the largest output. One thread: CPU time; more: wall time.\n';
}

function contentionTable(rows) {
  const chosen = rows.filter((each) => each.kind === 'contention');
  if (chosen.length === 0) return '';
  const body = chosen.map(({ case: name, type, threads, results }) => {
    const ratio = results.titrate?.ratio;
    return [`${name} ${type}`.trim(), threads, time(results['titrate, one thread']), time(results.titrate), speed(results.titrate),
      ratio ? `${mostUnderContention} ${ratio.median <= mostUnderContention ? '✓' : '✗'}` : '', speed(results.onnxruntime), speed(results.onednn)];
  });
  const titles = ['work', 'threads', 'titrate, one thread, ms', 'titrate, all threads, ms', 'all / one', 'at most', 'ONNX Runtime, all / our one', 'oneDNN, all / our one'];
  return `### One core taken by another process\n\n${table(titles, body)}\n`;
}

export function tuningTable(rows) {
  const body = [];
  for (const each of rows) {
    body.push([each.model, `titrate: ${each.search}`, digits(each.metric, 4), each.bytes ?? '', each.evaluations, digits(each.seconds), each.config ?? '']);
  }
  for (const id of new Set(rows.map((each) => each.model))) {
    for (const { tool, crash, metric, bytes, evaluations, seconds } of anchors[id] ?? []) {
      body.push([id, tool, crash ? 'crash' : digits(metric, 4), bytes ?? '', evaluations ?? '', seconds ?? '', '']);
    }
  }
  body.sort((a, b) => a[0].localeCompare(b[0]));
  return table(['model', 'tool', 'metric', 'bytes', 'evaluations', 'seconds', 'config'], body);
}

function limitsTable(limits) {
  const body = [...Object.entries(limits.giga_operations), ...Object.entries(limits.giga_bytes).map(([level, rates]) => [`read ${level}, GB/s`, rates])];
  return `### Limits\n\n${table(['1e9 operations or bytes a second', '1 thread', `${limits.threads} threads`], body.map(([name, rates]) => [name, digits(rates.one), digits(rates.all)]))}\n`;
}

export function tables(document) {
  const { versions, limits, rows } = document;
  const peers = [versions.onnxruntime && `ONNX Runtime ${versions.onnxruntime}`, versions.onednn && `oneDNN ${versions.onednn}`, 'Eigen 3.4'].filter(Boolean);
  const busy = document.processors_used_by_others;
  const head = [
    `## ${versions.processor}, ${limits.threads} processors, ${versions.isa}`,
    `\`${document.command}\` at ${document.commit ?? 'an unknown commit'}, ${digits(document.seconds / 60, 2)} minutes, beside ${peers.join(', ')}.` +
      (document.quick ? ' **A quick run: it shows that everything works, not how fast it is.**' : '') +
      (busy > 0.1 ? ` **Other processes used ${digits(busy, 2)} processors meanwhile: do not trust times, ratios only with care.**` : ''),
  ].join('\n\n');
  const threads = [...new Set(rows.filter((each) => each.kind === 'kernel').map((each) => each.threads))];
  const tuning = rows.filter((each) => each.kind === 'tuning');
  return [head, limitsTable(limits), ...threads.map((count) => kernelTable(rows, count)), modelTable(rows), contentionTable(rows),
    tuning.length > 0 ? `### Whole tuning runs, loss of at most 1 %\n\n${tuningTable(tuning)}\n` : ''].filter(Boolean).join('\n\n').replace(/\n{3,}/g, '\n\n');
}

export function writeTables(file, documents) {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no markers for the tables`);
  writeFileSync(file, `${text.slice(0, begin + opening.length)}\n${documents.map(tables).join('\n\n')}\n${text.slice(end)}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const documents = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  if (process.argv.includes('--write')) writeTables(path.join(path.dirname(fileURLToPath(import.meta.url)), 'README.md'), documents);
  else console.log(documents.map(tables).join('\n\n'));
}
