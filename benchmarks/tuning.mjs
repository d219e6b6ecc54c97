// Whole tuning runs beside what others' tools reach (anchors.mjs).
//   node benchmarks/tuning.mjs [m1 m2 m3]        with the program in TITRATE_BUILD (default build/release)
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { anchors } from './anchors.mjs';
import { modelFolders, output, root, say } from './machine.mjs';
import { tuningTable } from './tables.mjs';

const tolerance = ['--tolerable-loss', '0.01'];
/// The searches: INT8 as others do it, and the default, which begins with the most compressed configs.
const searches = { 'INT8, first that passes': ['--configs', 'int8'], 'all sets, first that passes': ['--configs', 'all'] };

/// One row: {kind: 'tuning', model, search, verdict, metric, baseline, bytes, evaluations, seconds, config}
export async function tuningRow(program, id, folder, search) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'titrate-tuning-'));
  const at = (name) => path.join(folder, name);
  const words = ['tune', at('model.onnx'), '--data', at('eval.json'), '--calibration', at('calibration.json'), ...tolerance, ...searches[search],
    '--study', path.join(temporary, 'study.db'), '--output', path.join(temporary, 'out.onnx'), '--json', '--quiet'];
  const begin = performance.now();
  try {
    const text = await output(program, words).catch((error) => {
      if (error.code === 4) return error.text;  // the goal was not met: a result too
      throw error;
    });
    const result = JSON.parse(text);
    return { kind: 'tuning', model: id, search, verdict: result.verdict, baseline: result.baseline.metric, metric: result.best?.metric ?? null,
      bytes: result.best?.size_bytes ?? null, config: result.best?.config ?? null, evaluations: result.trials + 1,
      seconds: (performance.now() - begin) / 1000 };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

export async function tuningRows(program, { ids = Object.keys(anchors), quick = false } = {}) {
  const folders = modelFolders();
  const rows = [];
  for (const id of ids) {
    if (!folders[id]) {
      say(`${id} is not here: left out`);
      continue;
    }
    for (const search of Object.keys(searches)) {
      // The default search evaluates many configs; of the large model that is a matter of many minutes.
      if (search !== Object.keys(searches)[0] && (quick || id === 'm2')) continue;
      say(`tuning ${id}: ${search}`);
      rows.push(await tuningRow(program, id, folders[id], search));
    }
  }
  return rows;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const ids = process.argv.slice(2);
  const program = path.join(process.env.TITRATE_BUILD ?? path.join(root, 'build/release'), 'bin/titrate');
  console.log(tuningTable(await tuningRows(program, ids.length > 0 ? { ids } : {})));
}
