// The walk through the step: what the drawing shows at each of its steps, and what stands beside it.

let steps = [], current = 0;

const byId = (id) => document.getElementById(id);

// A button that does nothing now; it keeps the focus, which one that is disabled would lose.
function setIdle(id, idle) {
  byId(id).setAttribute('aria-disabled', String(idle));
}

// Which neuron or line a number belongs to, as the drawing names it.
function partOf(key) {
  const [name, j, k] = parts(key), [quantity, layer] = split(name);
  if (name === 'cost') return COST;
  if (name === 'x') return `1:${j}`;
  if (name === 'y') return `${state.layers}:${j}`;
  return /w$/.test(quantity) ? `${layer}:${j},${k}` : `${layer}:${j}`;
}

// ---- what the drawing shows

// What is known before a step and at it: keys, in the order in which they were computed.
function knownAt(index) {
  const known = new Map();
  steps.slice(0, index + 1).forEach(({ key }, i) => known.set(key, i));
  return known;
}

// The path on which a change of a number reaches the cost, as the parts of the drawing.
function pathTo(step) {
  if (!DERIVATIVES[step.quantity]) return null;
  const above = step.slope ? 0 : state.layers - step.layer;
  const passed = Array.from({ length: above }, (_, i) => step.layer + 1 + i);
  const reached = new Set([`${step.layer}:${step.j}`]);
  if (step.weight)
    reached.add(`${step.layer}:${step.j},${step.k}`).add(`${step.layer - 1}:${step.k}`);
  let from = [step.j];
  for (const layer of passed) {
    const next = drawnOf(layer);
    for (const j of next) for (const k of from) reached.add(`${layer}:${j},${k}`);
    for (const j of next) reached.add(`${layer}:${j}`);
    from = next;
  }
  if (!step.slope) for (const j of from) reached.add(`${COST}:${j}`);
  return reached.add(step.slope ? '' : COST);
}

// What stands in a neuron: the number at hand, else one that is taken, else the last one known.
function shownIn(layer, j, step, sources, known) {
  const s = sampleDrawn, part = `${layer}:${j}`;
  const own = (key) => partOf(key) === part && !/^(y|(nabla_)?[bw])/.test(key) && parts(key)[2] === s;
  if (own(step.key)) return step.key;
  const taken = sources.filter(own).at(-1);
  if (taken) return taken.startsWith('prime') ? keyOf(`z${layer}`, j, s) : taken;
  if (layer === 1) return keyOf('x', j, s);
  const last = ['delta', 'a', 'z'].map((quantity) => keyOf(`${quantity}${layer}`, j, s));
  return last.find((key) => known.has(key));
}

// A bias, its gradient or a target beneath the neuron.
function notedAt(layer, j, step, sources) {
  const keys = [step.key, ...sources].filter((key) =>
    partOf(key) === `${layer}:${j}` && (/^(nabla_)?b/.test(key) || key.startsWith('y')));
  const key = keys[0];
  return key && [symbolOfKey(key), valueOf(key)];
}

function symbolOfKey(key) {
  const [name, j, k] = parts(key), plain = name.replace('+', '');
  const table = tableOf(plain);
  return name.startsWith('prime') ? ofZ(name, table, j, k) : symbolOf(plain, table, j, k);
}

function viewOf(step, index) {
  const sources = sourcesOf(step.key), known = knownAt(index), path = pathTo(step);
  const gradient = step.row.part === 'Gradient';
  const made = partOf(step.key), from = new Set(sources.map(partOf));
  const kinds = (part) => [
    part === made ? 'made' : from.has(part) ? 'source' : path?.has(part) ? 'path' : '',
    made === part || from.has(part) || path?.has(part) ? '' : 'pale'];
  return {
    said: saidOf(step),
    lines: gradient ? '∂C/∂w' : 'weights',
    neuron(layer, j) {
      const key = shownIn(layer, j, step, sources, known);
      const empty = layer === 1 ? 'x' : `z${layer}`;
      return {
        symbol: key ? symbolOfKey(key) : symbolOf(empty, tableOf(empty), j, sampleDrawn),
        number: key && valueOf(key),
        note: notedAt(layer, j, step, sources),
        kinds: kinds(`${layer}:${j}`),
      };
    },
    edge(l, j, k) {
      const part = `${l}:${j},${k}`;
      const updated = keyOf(`w${l}+`, j, k), slope = keyOf(`nabla_w${l}`, j, k);
      const key = gradient ? (known.has(slope) ? slope : undefined)
        : known.has(updated) ? updated : keyOf(`w${l}`, j, k);
      const number = key && valueOf(key), takes = part === made || from.has(part);
      return { number, label: takes ? number : undefined, kinds: kinds(part) };
    },
    cost: {
      number: known.has('cost:0,0') ? state.made.cost.at(0, 0) : undefined,
      kinds: kinds(COST),
    },
    toCost: (j) => [path?.has(`${COST}:${j}`) || step.quantity === 'cost' ? 'path' : 'pale'],
  };
}

// ---- what stands beside it

function showStep() {
  const step = steps[current];
  if (step.sample !== null && state.given.x.cols > 1) sampleDrawn = step.sample;
  show(viewOf(step, current));
  const tag = make('span', { className: 'tag' }, step.row.tag);
  const { symbol } = described.table.functions[step.layer];
  const about = step.slope ? `the slope of ${symbol} in layer ${step.layer}` : step.row.about;
  byId('now').replaceChildren(tag, ' ', about);
  byId('equation').replaceChildren(...equationNodes(step));
  byId('why').replaceChildren(...sentenceNodes(whyOf(step), step));
  byId('chain').replaceChildren(...chainNodes(step));
  byId('scrub').value = current;
  const place = `step ${current + 1} of ${steps.length}: ${aloud(step.symbol)}`;
  byId('scrub').setAttribute('aria-valuetext', place);
  byId('count').textContent = `${current + 1} of ${steps.length}`;
  setIdle('back', current === 0);
  setIdle('next', current === steps.length - 1);
  for (const button of document.querySelectorAll('.chapters button'))
    button.setAttribute('aria-current', button.dataset.part === step.row.part ? 'step' : 'false');
  markLine(step.key);
}

// The step in words: what it is and why.
function saidOf(step) {
  return `${aloud(step.symbol)} is ${written(valueOf(step.key))}. ${sentenceAloud(whyOf(step), step)}`;
}

// The chain rule of the step, and its factors: what each is, its number and what it measures.
function chainNodes(step) {
  const whole = chainOf(step);
  if (!whole) return [];
  const factors = factorsOf(step);
  const items = factors.map((factor) => {
    const [pieces, number] = valueOfFactor(factor, step);
    const constant = textOf(pieces, false) === '1';
    const value = constant ? ['1'] : [...pieceNodes(pieces, false), ` = ${shown(number)}`];
    return make('div', { className: 'factor' },
      make('dt', {}, math(derivativeOf(factor, step)), ' = ', ...value),
      make('dd', {}, ...sentenceNodes(factor.words, step, factor.path)));
  });
  const more = step.row.tag === 'BP2' && !step.slope && aboveOf(step) > MOST_PATHS
    ? [make('p', { className: 'hint' }, `and so for ${aboveOf(step) - MOST_PATHS} more`)] : [];
  const label = make('span', { className: 'label' }, 'Chain rule');
  const heading = make('p', { className: 'rule' }, label, ' ', whole);
  return items.length ? [heading, make('dl', { className: 'factors' }, ...items), ...more] : [heading];
}

function walkTo(index, { move = false } = {}) {
  current = Math.max(0, Math.min(index, steps.length - 1));
  showStep();
  byId('spoken').textContent = saidOf(steps[current]);
  if (move) flow(steps[current]);
}

// ---- play

const FIRST = 3600, AFTER = 1500; // milliseconds at a new equation, and at its other entries

const play = player(byId('play'), ['Play', 'Pause'], () => {
  if (current === steps.length - 1) walkTo(0, { move: true });
  else walkTo(current + 1, { move: true });
  if (current === steps.length - 1) return 0;
  return steps[current].name === steps[current - 1]?.name ? AFTER : FIRST;
});

function go(index) {
  play.stop();
  walkTo(index, { move: index > current });
}

byId('back').addEventListener('click', () => go(current - 1));
byId('next').addEventListener('click', () => go(current + 1));
byId('scrub').addEventListener('input', (event) => {
  play.stop();
  walkTo(Number(event.target.value));
});
for (const button of document.querySelectorAll('.chapters button'))
  button.addEventListener('click', () =>
    go(steps.findIndex(({ row }) => row.part === button.dataset.part)));

// A number put in is marked in the drawing while it is pointed at.
byId('equation').addEventListener('pointerover', (event) => {
  const of = event.target.closest('.operand')?.dataset.of;
  const element = of && (neurons.get(partOf(of)) ?? edges.get(partOf(of)))?.element;
  element?.classList.add('pointed');
});
byId('equation').addEventListener('pointerout', () => {
  for (const each of svg.querySelectorAll('.pointed')) each.classList.remove('pointed');
});
