// The machine as the benchmarks see it: folders, programs, and how busy others keep it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const sharedModels = path.resolve(root, '../shared/models');
export const processors = availableParallelism();

export const say = (text) => process.stderr.write(`bench: ${text}\n`);

export function commit() {
  const git = spawnSync('git', ['-C', root, 'describe', '--always', '--dirty'], { encoding: 'utf8' });
  return git.status === 0 ? git.stdout.trim() : null;
}

/// Runs a program; its stdout. Throws with what it said if it fails.
export function output(program, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let errors = '';
    child.stdout.on('data', (part) => (text += part));
    child.stderr.on('data', (part) => (errors += part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0 && errors) say(errors.trim());
      if (code === 0) resolve(text);
      else reject(Object.assign(new Error(`${path.basename(program)} ${words.join(' ')}: ${errors.trim() || `exit code ${code}`}`), { code, text }));
    });
  });
}

export const lines = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line));

/// The models that are there, by id: m1, m2 ...
export function modelFolders() {
  if (!existsSync(sharedModels)) return {};
  const folders = readdirSync(sharedModels).filter((name) => existsSync(path.join(sharedModels, name, 'model.onnx')));
  return Object.fromEntries(folders.map((name) => [name.split('_')[0], path.join(sharedModels, name)]));
}

// Seconds that all processors, and that this process with its finished children, have worked.
function busySeconds() {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const own = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ').slice(11, 15).map(Number);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  return { all: (sum(ticks) - ticks[3] - ticks[4]) / 100, own: sum(own) / 100, at: performance.now() / 1000 };
}

/// Asked later, says how many processors others have used since.
export function watchOthers() {
  const begin = busySeconds();
  return () => {
    const now = busySeconds();
    return Math.max(0, now.all - begin.all - (now.own - begin.own)) / (now.at - begin.at);
  };
}
