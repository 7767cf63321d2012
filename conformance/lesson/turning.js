// One number is turned, and the cost along it is drawn, with its slope: the gradient there.

const POINTS = described.whole ? 61 : 21; // of the curve
const forward = described.table.rows.filter(({ part }) => part === 'Forward');
let turned = null; // the key of the number

// The numbers that can be turned: all of a small network, else those that are picked.
function turnable() {
  const names = Object.keys(state.given).filter((name) => name !== 'y');
  return names.flatMap((name) => {
    const { rows, cols } = state.given[name];
    const entry = (e) => keyOf(name, Math.floor(e / cols), e % cols);
    if (described.whole) return Array.from({ length: rows * cols }, (_, e) => entry(e));
    const { s, j, k } = state.pick, [quantity, layer] = split(name);
    if (name === 'x') return [keyOf(name, k[2], s)];
    return [keyOf(name, j[layer], quantity === 'w' ? k[layer] : 0)];
  });
}

const lowered = (text) => [...text].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[digit] ?? ' ').join('');

// A symbol in plain text, where nothing else may stand: w²₁ ₀.
function plainSymbol(text) {
  const [letter, prime, layer, index] = symbolParts(text);
  return `${letter}${prime}${raised(layer)}${lowered(index)}`;
}

function grouped(all, by) {
  const groups = new Map();
  for (const each of all) groups.set(by(each), [...(groups.get(by(each)) ?? []), each]);
  return groups;
}

// The choices, a group a quantity.
function fillTurned() {
  const words = { x: () => 'Inputs', b: (l) => `Biases of layer ${l}`, w: (l) => `Weights into layer ${l}` };
  const groups = [...grouped(turnable(), (key) => parts(key)[0])].map(([name, keys]) => {
    const [quantity, layer] = split(name);
    const options = keys.map((key) => make('option', { value: key }, wordsOfChoice(key)));
    return make('optgroup', { label: words[quantity](layer) }, ...options);
  });
  byId('turned').replaceChildren(...groups);
  const weight = turnable().find((key) => key.startsWith('w'));
  chooseTurned(turnable().includes(turned) ? turned : weight);
}

function wordsOfChoice(key) {
  const [name, j, k] = parts(key), symbol = plainSymbol(symbolOfKey(key));
  const sample = state.given.x.cols > 1 ? `, sample ${k}` : '';
  if (name === 'x') return `${symbol}: input ${j}${sample}`;
  if (name.startsWith('b')) return `${symbol}: neuron ${j}`;
  return `${symbol}: to neuron ${j} from neuron ${k}`;
}

// The cost with another value of the number.
function costAt(key, value) {
  const now = valueOf(key);
  put(key, value);
  const { cost } = step({ ...described.table, rows: forward }, state.given, state.rates);
  put(key, now);
  return cost.at(0, 0);
}

// ∂C/∂(number): a gradient of the table; of an input what the table says of it.
function slopeOf(key) {
  const [name, j, k] = parts(key);
  if (name === 'x') return scopeOf(state.made).entry(described.slopes.x)(j, k);
  return state.made[`nabla_${name}`].at(j, k);
}

// The range of the slider: around the first value, wide enough for the bends of the curve.
function rangeOf(key) {
  const first = state.changed.get(key) ?? valueOf(key), now = valueOf(key);
  const wide = Math.max(3, 2 * Math.abs(first));
  return [Math.min(first - wide, now), Math.max(first + wide, now)];
}

function chooseTurned(key) {
  turned = key;
  byId('turned').value = key;
  const [low, high] = rangeOf(key);
  Object.assign(byId('slider'), { min: low, max: high, step: (high - low) / 400 });
  showTurned();
}

function showTurned() {
  if (byId('turning').hidden) return;
  const now = valueOf(turned), symbol = symbolOfKey(turned), slider = byId('slider');
  slider.value = now;
  slider.setAttribute('aria-valuetext', `${aloud(symbol)} is ${written(now, 3)}`);
  byId('turned-value').replaceChildren(...typeset(symbol), ` = ${shown(now, 4)}`);
  byId('slope').replaceChildren(
    make('strong', {}, math(derivative('C', symbol)), ` = ${shown(slopeOf(turned), 4)}`),
    ` is the slope of the tangent. ${wordsOfSlope(turned, slopeOf(turned))}`);
  byId('curve').replaceChildren(...curveOf(turned));
  setIdle('unturn', state.changed.size === 0);
  show(viewOfTurned());
}

function wordsOfSlope(key, slope) {
  if (slope === 0) return 'Here the cost does not move with it.';
  const moves = `The cost ${slope > 0 ? 'grows' : 'falls'} when it grows`;
  if (key.startsWith('x')) return `${moves}. An input is given: no step moves it.`;
  return `${moves}, so a step makes it ${slope > 0 ? 'smaller' : 'larger'}.`;
}

function curveOf(key) {
  const now = valueOf(key), cost = state.made.cost.at(0, 0), slope = slopeOf(key);
  const range = rangeOf(key), [low, high] = range, symbol = symbolOfKey(key);
  const points = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1))
    .map((value) => [value, costAt(key, value)]);
  const tangent = range.map((value) => [value, cost + slope * (value - now)]);
  const first = state.changed.get(key), moved = first !== undefined;
  const least = points.every(([, each]) => each >= 0) ? 0 : -Infinity;
  return chart({
    name: `The cost along ${aloud(symbol)}: it is ${written(cost, 4)} at ${written(now, 4)}, `
      + `with slope ${written(slope, 4)}`,
    titles: [drawn(symbol), ['C, the cost']],
    x: range,
    y: around(points.map(([, each]) => each), { least }),
    lines: [{ points, kind: 'cost' }, { points: tangent, kind: 'tangent' }],
    marks: [
      ...(moved ? [{ at: [first, costAt(key, first)], kind: 'was' }] : []),
      { at: [now, cost], kind: 'now' },
    ],
    legend: [['cost', ['cost']], ['tangent', ['tangent']], ['dot now', ['now']],
      ...(moved ? [['dot was', ['at the start']]] : [])],
  });
}

function viewOfTurned() {
  const part = partOf(turned), marked = (own) => (own ? ['made'] : []);
  return {
    said: `${aloud(symbolOfKey(turned))} is marked; the cost is ${written(state.made.cost.at(0, 0))}.`,
    neuron: (layer, j) => {
      const name = layer === 1 ? 'x' : `a${layer}`, table = tableOf(name);
      return {
        symbol: symbolOf(name, table, j, sampleDrawn),
        number: table.at(j, sampleDrawn),
        note: turned === keyOf(`b${layer}`, j, 0) && [symbolOfKey(turned), valueOf(turned)],
        kinds: marked(part === `${layer}:${j}`),
      };
    },
    edge: (l, j, k) => {
      const key = keyOf(`w${l}`, j, k), own = key === turned, number = valueOf(key);
      return { number, label: own ? number : undefined, kinds: marked(own) };
    },
    cost: { number: state.made.cost.at(0, 0), kinds: ['source'] },
  };
}

byId('turned').addEventListener('change', (event) => chooseTurned(event.target.value));
byId('slider').addEventListener('input', (event) => {
  change(turned, Number(Number(event.target.value).toPrecision(4)));
  showAll();
});
byId('unturn').addEventListener('click', () => resetAll());

// What a part of the drawing can turn: a line its weight, a neuron its bias or its input.
function keyOfPart(part) {
  const [layer, rest] = part.split(':'), [j, k] = rest.split(',').map(Number);
  if (k !== undefined) return keyOf(`w${layer}`, j, k);
  return layer === '1' ? keyOf('x', j, sampleDrawn) : keyOf(`b${layer}`, j, 0);
}

svg.addEventListener('click', (event) => {
  const part = event.target.closest('[data-part]')?.dataset.part;
  if (!part || part.startsWith(COST) || !svg.classList.contains('choosing')) return;
  const key = keyOfPart(part);
  if (!turnable().includes(key)) return;
  turned = key;
  chooseTab('turning');
});
