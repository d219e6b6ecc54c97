#include "reports/html/style.hpp"

namespace titrate::html {

const std::string_view style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --raised: #ffffff; --ink: #1d2126; --soft: #656c75; --line: #e3e3de; --faint: #f1f1ec;
  --good: #0e7c66; --bad: #b4541f; --broken: #b3263a; --goal: #0e7c66; --float: #4a5bb0; --within: #0e7c6612; --select: #0e7c661c;
  --phase0: #9aa7b5; --phase1: #d9a13f; --phase2: #4f86b8; --phase3: #8a6fb0; --phase4: #5da088; --rest: #d3d5d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --raised: #1a1e22; --ink: #e4e5e3; --soft: #98a0a8; --line: #2c3136; --faint: #1e2226;
    --good: #4fc3a4; --bad: #e0945c; --broken: #ef7484; --goal: #4fc3a4; --float: #98a7f0; --within: #4fc3a412; --select: #4fc3a424;
    --phase0: #74808c; --phase1: #c9953d; --phase2: #5b93c6; --phase3: #9a80c2; --phase4: #62a890; --rest: #3c4248;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", "DejaVu Sans", sans-serif;
}
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
.kicker { margin: 0 0 10px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.kicker b { color: var(--ink); font-weight: 600; letter-spacing: .02em; }
h1 { margin: 0; font-size: 23px; line-height: 1.42; font-weight: 400; max-width: 46em; overflow-wrap: anywhere; text-wrap: pretty; }
h1 strong { font-weight: 650; }
h1 strong::before { content: ""; display: inline-block; width: .62em; height: .62em; margin-right: .42em; border-radius: 50%; background: currentColor; }
.met strong { color: var(--good); }
.not_met strong, .interrupted strong { color: var(--bad); }
.nothing_usable strong { color: var(--broken); }
.running strong, .empty strong { color: var(--float); }
h1 code { font-size: .86em; padding: .1em .32em; border-radius: 4px; background: var(--faint); }
code, pre, .code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.code { font-size: 13px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 0; margin: 26px 0 0; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); overflow: hidden; }
.figures div { padding: 12px 16px 11px; border-left: 1px solid var(--line); border-top: 1px solid var(--line); margin: -1px 0 0 -1px; }
.figures div { min-width: 0; overflow-wrap: anywhere; }
.figures dt { color: var(--soft); font-size: 12.5px; }
.figures dd { margin: 0; font-size: 21px; line-height: 1.35; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.figures dd small { display: block; font-size: 12.5px; letter-spacing: 0; color: var(--soft); }
section { margin: 36px 0 0; }
h2 { margin: 0 0 10px; font-size: 16px; font-weight: 650; }
h3 { margin: 0 0 6px; font-size: 15px; font-weight: 650; }
.note { margin: -4px 0 10px; color: var(--soft); font-size: 13.5px; overflow-wrap: anywhere; }
.overview { display: grid; grid-template-columns: minmax(0, 1fr) 290px; gap: 28px; align-items: start; }
figure { margin: 0; }
figure + .scroll { margin-top: 14px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg.narrow { display: none; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; font-family: inherit; }
.grid line { stroke: var(--line); stroke-width: 1; }
rect.within { fill: var(--within); }
line.float { stroke: var(--float); stroke-dasharray: 2 3; }
line.goal { stroke: var(--goal); stroke-dasharray: 6 4; }
text.float { fill: var(--float); }
text.goal { fill: var(--goal); }
g.float rect { fill: var(--float); }
path.front { fill: none; stroke: var(--soft); stroke-width: 1; opacity: .55; }
.point { cursor: pointer; }
.point circle, .point path { stroke-width: 1.8; }
.point.passed > * { fill: var(--good); stroke: var(--raised); stroke-width: 1.2; }
.point.failed > * { fill: var(--paper); stroke: var(--bad); }
.point .reach { fill: transparent !important; stroke: none !important; }
.point .ring { fill: none !important; stroke: var(--good) !important; stroke-width: 1.5; }
.point.best.failed .ring { stroke: var(--bad) !important; }
.point.selected .reach { fill: var(--select) !important; stroke: var(--ink) !important; stroke-width: 1.2; }
.point:focus { outline: none; }
.point:focus-visible .reach { stroke: var(--ink) !important; stroke-width: 2; }
.column { cursor: pointer; }
.column:hover rect, .column.selected rect { filter: brightness(.82); }
.phase0 { fill: var(--phase0); background: var(--phase0); } .phase1 { fill: var(--phase1); background: var(--phase1); }
.phase2 { fill: var(--phase2); background: var(--phase2); } .phase3 { fill: var(--phase3); background: var(--phase3); }
.phase4 { fill: var(--phase4); background: var(--phase4); } .rest { fill: var(--rest); background: var(--rest); }
rect.broken { fill: var(--broken); }
.network .alone rect { fill: var(--phase2); }
.network .accumulated path { fill: none; stroke: var(--phase1); stroke-width: 1.6; }
.network .accumulated circle { fill: var(--phase1); stroke: var(--paper); stroke-width: 1; }
.network rect.worst { fill: var(--bad); }
.network text.worst { fill: var(--bad); font-weight: 600; }
.histograms { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 12px 24px; margin-bottom: 18px; }
.histogram { border: 1px solid var(--line); border-radius: 8px; background: var(--raised); padding: 8px 10px; }
.histogram figcaption { color: var(--soft); font-size: 12.5px; overflow-wrap: anywhere; }
.histogram .bin { fill: var(--phase2); }
.histogram .clipped { fill: var(--bad); opacity: .14; }
.histogram .clip { stroke: var(--bad); stroke-dasharray: 4 3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 8px; color: var(--soft); font-size: 13px; }
.key { display: inline-flex; align-items: center; gap: 7px; background: none; overflow-wrap: anywhere; }
.key::before { content: ""; flex: none; width: 10px; height: 10px; border-radius: 50%; background: var(--soft); }
.key.passed::before { background: var(--good); }
.key.failed::before { background: none; border: 2px solid var(--bad); }
.key.float::before { background: var(--float); border-radius: 0; width: 9px; height: 9px; transform: rotate(45deg); }
.key.front::before { height: 1px; width: 18px; border-radius: 0; opacity: .7; }
.key.alone::before { background: var(--phase2); border-radius: 2px; }
.key.accumulated::before { background: var(--phase1); }
.key.worst::before { background: var(--bad); border-radius: 2px; }
.key.off::before { background: none; border-radius: 0; width: 0; height: 0; border: 5px solid transparent; border-top: 8px solid var(--bad); border-bottom: 0; }
.key.phase0::before { background: var(--phase0); } .key.phase1::before { background: var(--phase1); } .key.phase2::before { background: var(--phase2); }
.key.phase3::before { background: var(--phase3); } .key.phase4::before { background: var(--phase4); } .key.rest::before { background: var(--rest); }
#timeline .key::before { border-radius: 2px; }
#details { border: 1px solid var(--line); border-radius: 8px; background: var(--raised); padding: 14px 16px 12px; max-height: 440px; overflow: auto; }
#details .config { margin: 0 0 10px; overflow-wrap: anywhere; line-height: 1.4; }
#details dl { margin: 0; font-size: 13.5px; }
#details dl div { display: flex; gap: 12px; justify-content: space-between; padding: 3px 0; border-top: 1px solid var(--line); }
#details dt { color: var(--soft); flex: none; max-width: 45%; overflow-wrap: anywhere; }
#details dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 0; }
#details-reason:empty { display: none; }
#details-reason { margin: 10px 0 0; font-size: 13px; }
.tag { display: inline-block; padding: 0 7px; border-radius: 9px; background: var(--select); color: var(--good); font: 600 11.5px/18px system-ui, sans-serif; vertical-align: 1px; }
.lines { white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); }
.scroll.tall { max-height: 560px; }
.scroll:focus-visible, pre:focus-visible, button:focus-visible { outline: 2px solid var(--float); outline-offset: 1px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { padding: 5px 12px; text-align: left; vertical-align: top; border-top: 1px solid var(--line); unicode-bidi: isolate; }
thead th { position: sticky; top: 0; z-index: 1; background: var(--faint); border-top: 0; color: var(--soft); font-weight: 500; font-size: 12.5px; white-space: nowrap; }
tbody th { font-weight: 500; }
#layer-rows th { min-width: 8em; max-width: 22em; overflow-wrap: anywhere; }
.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.config { min-width: 15em; overflow-wrap: anywhere; }
.state { white-space: nowrap; }
.passed .state { color: var(--good); }
.failed_goal .state { color: var(--bad); }
.error .state { color: var(--broken); }
.pruned .state, .interrupted .state, .running .state, tr.baseline, tr.float td { color: var(--soft); }
tr.best > * { font-weight: 600; }
tr.best .tag { font-weight: 600; }
.script tr[data-trial] { cursor: pointer; }
.script tr[data-trial]:hover { background: var(--faint); }
tr.selected, .script tr.selected:hover { background: var(--select); }
.track { display: inline-block; width: 84px; height: 8px; margin-right: 8px; border-radius: 2px; background: var(--faint); vertical-align: 1px; text-align: left; overflow: hidden; }
.track i { display: block; height: 100%; background: var(--phase2); }
.bar span:last-child { display: inline-block; min-width: 4.2em; }
.reason { color: var(--soft); min-width: 15em; overflow-wrap: anywhere; }
tr td.lines { min-width: 18em; font-size: 13px; }
th button { all: unset; cursor: pointer; border-radius: 2px; }
th button::after { content: ""; display: inline-block; width: 1em; text-align: center; }
th[aria-sort="ascending"] button::after { content: "↑"; }
th[aria-sort="descending"] button::after { content: "↓"; }
.command { display: flex; gap: 10px; align-items: start; margin-bottom: 14px; }
.command pre { flex: 1; min-width: 0; margin: 0; padding: 10px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere; }
.command button { flex: none; font: inherit; font-size: 13px; padding: 8px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--faint); color: var(--ink); cursor: pointer; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 0 28px; margin: 0; font-size: 13.5px; }
.facts div { display: flex; gap: 12px; padding: 4px 0; border-top: 1px solid var(--line); min-width: 0; }
.facts dt { flex: 0 0 9em; color: var(--soft); overflow-wrap: anywhere; }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dt, dd { unicode-bidi: isolate; }
footer { padding-top: 28px; padding-bottom: 36px; color: var(--soft); font-size: 12.5px; }
#tip { position: fixed; z-index: 9; pointer-events: none; max-width: min(340px, 80vw); padding: 7px 11px; border-radius: 6px; background: var(--ink); color: var(--paper); font-size: 12.5px; line-height: 1.45; overflow-wrap: anywhere; }
@media (max-width: 860px) { .overview { grid-template-columns: minmax(0, 1fr); gap: 18px; } #details { max-height: none; } }
@media (max-width: 600px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 22px; }
  h1 { font-size: 19px; }
  svg.wide { display: none; }
  svg.narrow { display: block; }
  svg text { font-size: 11px; }
  .figures { grid-template-columns: 1fr 1fr; margin-top: 20px; }
  .figures dd { font-size: 18px; }
  section { margin-top: 28px; }
  th, td { padding: 5px 9px; }
  .facts { grid-template-columns: minmax(0, 1fr); }
  .facts dt { flex-basis: 7.5em; }
  .command { flex-direction: column; align-items: stretch; }
}
@media print {
  :root { --paper: #fff; --raised: #fff; --ink: #000; --soft: #444; --line: #ccc; --faint: #f3f3f3; --good: #0e7c66; --bad: #b4541f; --float: #4a5bb0; }
  body { font-size: 10pt; }
  header, main, footer { max-width: none; padding: 0; }
  .scroll, .scroll.tall, #details { max-height: none; overflow: visible; }
  .command button, #tip { display: none; }
  tr, figure, #details { break-inside: avoid; }
  h2 { break-after: avoid; }
  thead th { position: static; }
}
)css";

}  // namespace titrate::html
