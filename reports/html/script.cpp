#include "reports/html/script.hpp"

namespace titrate::html {

const std::string_view script = R"js(
'use strict';
(() => {
  const element = (id) => document.getElementById(id);
  const make = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  document.documentElement.classList.add('script');

  const command = element('command');
  if (command) {
    const button = make('button', 'Copy');
    button.type = 'button';
    const say = (text) => { button.textContent = text; setTimeout(() => { button.textContent = 'Copy'; }, 1600); };
    const mark = () => { getSelection().selectAllChildren(command); say(document.execCommand('copy') ? 'Copied' : 'Marked'); };
    button.addEventListener('click', () => {
      if (!navigator.clipboard) return mark();
      navigator.clipboard.writeText(command.textContent).then(() => say('Copied'), mark);
    });
    command.after(button);
  }

  const island = element('study');
  if (!island) return;
  const study = JSON.parse(island.textContent);
  const trials = new Map(study.trials.map((trial) => [trial.n, trial]));
  const order = [...trials.keys()];
  let selected = study.selected;
  let sorting = null;

  // What stands for a trial: points, columns, rows.
  const marks = [...document.querySelectorAll('[data-trial]')];
  const marksOf = new Map();
  for (const mark of marks) {
    const number = Number(mark.dataset.trial);
    if (!marksOf.has(number)) marksOf.set(number, []);
    marksOf.get(number).push(mark);
  }

  const columnValue = [(row) => row[0], (row) => row[1], (row) => row[2], (row) => (row[3] ? parseFloat(row[3]) : null), null, null, (row) => row[7]];
  const sorted = (rows) => {
    if (!sorting) return rows;
    const value = columnValue[sorting.column];
    const compare = (one, other) => (typeof one === 'number' ? one - other : one < other ? -1 : one > other ? 1 : 0);
    const known = rows.filter((row) => value(row) !== null && value(row) !== '');
    const unknown = rows.filter((row) => value(row) === null || value(row) === '');
    known.sort((one, other) => sorting.sign * compare(value(one), value(other)));
    return known.concat(unknown);
  };

  const layerRow = ([name, type, decision, sqnr, bar, before, after, reason, isFloat]) => {
    const row = make('tr', undefined, isFloat ? 'float' : '');
    const title = make('th', name);
    title.scope = 'row';
    const ratio = make('td', sqnr ? undefined : '–', 'figure bar');
    if (sqnr) {
      const length = make('i');
      length.style.width = `${bar}%`;
      const track = make('span', undefined, 'track');
      track.append(length);
      ratio.append(track, make('span', sqnr));
    }
    row.append(title, make('td', type), make('td', decision, 'code'), ratio, make('td', before || '–', 'figure'), make('td', after || '–', 'figure'),
      make('td', reason, 'reason'));
    return row;
  };
  const showLayers = (trial) => {
    if (!element('layer-rows')) return;
    element('layers-number').textContent = trial.n;
    element('layers-summary').textContent = trial.rows.length ? trial.summary : 'No decisions were recorded for this trial.';
    element('layer-rows').replaceChildren(...sorted(trial.rows.map((index) => study.rows[index])).map(layerRow));
  };
  const showDetails = (trial) => {
    element('details-number').textContent = trial.n;
    element('details-best').hidden = trial.n !== study.best;
    element('details-config').textContent = trial.config;
    element('details-facts').replaceChildren(...trial.facts.map(([label, value]) => {
      const fact = make('div');
      fact.append(make('dt', label), make('dd', value));
      return fact;
    }));
    element('details-reason').textContent = trial.reason;
  };
  const paint = (number, isSelected) => {
    for (const mark of marksOf.get(number) ?? []) {
      mark.classList.toggle('selected', isSelected);
      mark.setAttribute(mark.tagName === 'g' ? 'aria-pressed' : 'aria-current', isSelected);
      mark.setAttribute('tabindex', isSelected ? '0' : '-1');
    }
  };
  const select = (number) => {
    const trial = trials.get(number);
    if (!trial) return;
    paint(selected, false);
    selected = number;
    paint(selected, true);
    showDetails(trial);
    showLayers(trial);
  };

  const tip = make('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  const showTip = (mark, x, y) => {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - box.width - 6))}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18}px`;
  };

  for (const mark of marks) {
    const number = Number(mark.dataset.trial);
    mark.setAttribute('tabindex', '-1');
    mark.addEventListener('click', () => select(number));
    mark.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === 'Enter' || event.key === ' ') select(number);
      else if (step) {
        const next = order[order.indexOf(number) + step];
        const kin = (marksOf.get(next) ?? []).find((each) => each.closest('svg, table') === mark.closest('svg, table'));
        if (kin) { select(next); kin.focus(); }
      } else return;
      event.preventDefault();
    });
    if (mark.tagName !== 'g') continue;
    // The page's own hint replaces the browser's, which is slow to show.
    const title = mark.querySelector('title');
    mark.dataset.tip = title.textContent;
    mark.setAttribute('aria-label', title.textContent);
    mark.setAttribute('role', 'button');
    title.remove();
    mark.addEventListener('pointermove', (event) => showTip(mark, event.clientX, event.clientY));
    mark.addEventListener('pointerleave', () => { tip.hidden = true; });
    mark.addEventListener('blur', () => { tip.hidden = true; });
    mark.addEventListener('focus', () => {
      if (!mark.matches(':focus-visible')) return;
      const box = mark.getBoundingClientRect();
      showTip(mark, box.right, box.top);
    });
  }
  paint(selected, true);

  const heads = [...document.querySelectorAll('#layers thead th')];
  heads.forEach((head, column) => {
    if (!columnValue[column]) return;
    const button = make('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const sign = sorting && sorting.column === column ? -sorting.sign : 1;
      sorting = sorting && sorting.column === column && sorting.sign === -1 ? null : { column, sign };
      heads.forEach((each) => each.removeAttribute('aria-sort'));
      if (sorting) head.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
      showLayers(trials.get(selected));
    });
  });
})();
)js";

}  // namespace titrate::html
