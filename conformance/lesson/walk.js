// The walk through the equations, what is highlighted, and what is said.

let current = -1; // which of the lines, in causal order; -1 before the walk

function announce(text) {
  document.getElementById('spoken').textContent = text;
}

// A button that does nothing now; it keeps the focus, which one that is disabled would lose.
function setIdle(id, idle) {
  document.getElementById(id).setAttribute('aria-disabled', String(idle));
}

// Highlight a number and what it was made of, in the lines, in the fields and in the drawing.
function highlight(key, sources = key === null ? [] : sourcesOf(key)) {
  for (const element of document.querySelectorAll('main .made, main .source'))
    element.classList.remove('made', 'source');
  const add = (each, kind) =>
    places.get(each)?.forEach((element) => element.classList.add(kind));
  for (const each of sources) add(each, 'source');
  if (key !== null) add(key, 'made');
  mark(key, sources);
}

const highlightCurrent = () => highlight(lines[current]?.dataset.key ?? null);

function showCurrent() {
  document.querySelector('[aria-current]')?.removeAttribute('aria-current');
  const line = lines[current];
  line?.setAttribute('aria-current', 'step');
  setIdle('back', current <= 0);
  setIdle('next', current === lines.length - 1);
  const now = document.getElementById('now');
  if (!line) return;
  const textOf = (selector) => line.querySelector(selector).textContent;
  const tag = line.closest('.equation').querySelector('.tag').textContent;
  const count = make('span', { className: 'count' }, `${current + 1} of ${lines.length} `);
  count.append(make('span', { className: 'tag' }, tag));
  now.replaceChildren(count, ` ${textOf('.symbol')} ${textOf('.equals')} ${textOf('strong')}`);
}

function walkTo(index, { scroll = true } = {}) {
  current = Math.max(0, Math.min(index, lines.length - 1));
  showCurrent();
  highlightCurrent();
  announce(document.getElementById('now').textContent);
  if (scroll) lines[current].scrollIntoView({ block: 'center' }); // at once: nothing moves
}

// ---- what changes

function showAll() {
  renderLines();
  drawNumbers();
  showCurrent();
  highlightCurrent();
  setIdle('reset', state.changed.size === 0);
}

function changeShown(key, value) {
  change(key, value);
  showAll();
  highlight(key);
}

function showPicked() {
  sampleDrawn = state.pick.s;
  renderFields();
  draw();
  showAll();
}

// ---- who asks

document.getElementById('back').addEventListener('click', () => walkTo(current - 1));
document.getElementById('next').addEventListener('click', () => walkTo(current + 1));
document.getElementById('reset').addEventListener('click', () => {
  reset();
  for (const field of document.querySelectorAll('#given .field')) field.fresh();
  showAll();
  announce('every number is as it was');
});

document.addEventListener('keydown', (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const busy = event.target.closest?.('input') || event.altKey || event.ctrlKey || event.metaKey;
  if (by === undefined || busy) return;
  event.preventDefault();
  walkTo(current + by);
});

const main = document.querySelector('main');
main.addEventListener('click', (event) => {
  const line = event.target.closest('.line');
  if (line && !String(getSelection())) walkTo(lines.indexOf(line), { scroll: false });
});
main.addEventListener('pointerover', (event) => {
  const operand = event.target.closest('.operand'), line = event.target.closest('.line, .field');
  if (operand) highlight(line.dataset.key, [operand.dataset.of]);
  else if (line?.dataset.key) highlight(line.dataset.key);
  else highlightCurrent();
});
NARROW.addEventListener('change', () => {
  draw();
  highlightCurrent();
});
main.addEventListener('pointerleave', highlightCurrent);
main.addEventListener('focusin', (event) => {
  const place = event.target.closest('.line, .field');
  if (place?.dataset.key) highlight(place.dataset.key);
});
main.addEventListener('focusout', highlightCurrent);

recompute();
renderPicks();
renderFields();
renderLines();
draw();
showCurrent();
globalThis.lesson = { quantities };
document.documentElement.classList.add('alive');
