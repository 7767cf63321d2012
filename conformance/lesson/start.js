// The tabs, the keys, and the beginning.

const PANELS = {
  walk: () => showStep(),
  turning: () => fillTurned(),
  breaking: () => showMistake(),
  training: () => { startTraining(); showTraining(); },
};
const tabs = [...document.querySelectorAll('[role=tab]')];

function chooseTab(panel, { focus = false } = {}) {
  play.stop();
  run.stop();
  for (const tab of tabs) {
    const chosen = tab.getAttribute('aria-controls') === panel;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(tab.getAttribute('aria-controls')).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  flowing.replaceChildren();
  svg.classList.toggle('choosing', panel === 'walk' || panel === 'turning');
  PANELS[panel]();
}

const panelOf = (tab) => tab.getAttribute('aria-controls');
const openPanel = () => panelOf(tabs.find((tab) => tab.getAttribute('aria-selected') === 'true'));

for (const tab of tabs) {
  tab.addEventListener('click', () => chooseTab(panelOf(tab)));
  tab.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(tab), last = tabs.length - 1;
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: last - at }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(at + by + tabs.length) % tabs.length];
    chooseTab(panelOf(next), { focus: true });
  });
}

// Show everything again after a number has changed.
function showAll() {
  renderLines();
  for (const id of ['reset', 'unturn']) setIdle(id, state.changed.size === 0);
  for (const field of document.querySelectorAll('#given .field'))
    if (!field.contains(document.activeElement)) field.fresh();
  refresh();
}

function refresh() {
  const panel = openPanel();
  if (panel === 'turning') showTurned();
  else PANELS[panel]();
}

function announce(text) {
  byId('spoken').textContent = text;
}

function resetAll() {
  reset();
  if (!byId('turning').hidden) chooseTurned(turned);
  showAll();
  announce('every number is as it was');
}

function changeShown(key, value) {
  change(key, value);
  showAll();
}

function showPicked() {
  sampleDrawn = state.pick.s;
  renderFields();
  draw();
  showAll();
}

byId('reset').addEventListener('click', resetAll);

document.addEventListener('keydown', (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const changed = event.altKey || event.ctrlKey || event.metaKey;
  const busy = changed || event.target.closest?.('input, select, pre, [role=tab]');
  if (by === undefined || busy || openPanel() !== 'walk') return;
  event.preventDefault();
  go(current + by);
});

NARROW.addEventListener('change', () => {
  draw();
  refresh();
});

recompute();
renderPicks();
renderFields();
renderLines();
byId('rate').value = Math.log10(described.rates.eta);
fillMistakes();
document.documentElement.classList.add('alive'); // what is hidden has no size to be measured
draw();
chooseTab('walk');
globalThis.lesson = { quantities, lines: () => steps.map(plainLine) };
