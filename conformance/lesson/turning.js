// One number is turned, and the cost along it is drawn, with its slope: the gradient there.

const POINTS = 61;
const uptoCost = { ...described.table, rows: described.table.rows.filter(({ part }) => part === 'Forward') };
let turned = null; // the key of the number

// The numbers that can be turned: all of a small network, else those that are picked.
function turnable() {
  const names = Object.keys(state.given).filter((name) => name !== 'y');
  return names.flatMap((name) => {
    const { rows, cols } = state.given[name];
    if (described.whole)
      return Array.from({ length: rows * cols }, (_, e) => keyOf(name, Math.floor(e / cols), e % cols));
    const { s, j, k } = state.pick, [quantity, layer] = split(name);
    const at = name === 'x' ? [k[2], s] : [j[layer], quantity === 'w' ? k[layer] : 0];
    return [keyOf(name, ...at)];
  });
}

const sub = (text) => [...text].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[digit] ?? ' ').join('');

// A symbol in plain text, where nothing else may stand: w²₁ ₀.
function plainSymbol(text) {
  const [letter, prime, layer, index] = symbolParts(text);
  return `${letter}${prime}${raised(layer)}${sub(index)}`;
}

function grouped(all, by) {
  const groups = new Map();
  for (const each of all) groups.set(by(each), [...(groups.get(by(each)) ?? []), each]);
  return groups;
}

// The choices, a group a quantity.
function fillTurned() {
  const groups = grouped(turnable(), (key) => parts(key)[0]);
  byId('turned').replaceChildren(...[...groups].map(([name, keys]) => {
    const [quantity, layer] = split(name);
    const options = keys.map((key) => make('option', { value: key }, wordsOfChoice(key)));
    return make('optgroup', { label: { x: 'Inputs', b: `Biases of layer ${layer}`, w: `Weights into layer ${layer}` }[quantity] }, ...options);
  }));
  const weight = turnable().find((key) => key.startsWith('w')) ?? turnable()[0];
  chooseTurned(turnable().includes(turned) ? turned : weight);
}

function wordsOfChoice(key) {
  const [name, j, k] = parts(key), symbol = plainSymbol(symbolOfKey(key));
  if (name === 'x') return `${symbol}: input ${j}${state.given.x.cols > 1 ? `, sample ${k}` : ''}`;
  return name.startsWith('b') ? `${symbol}: neuron ${j}` : `${symbol}: to neuron ${j} from neuron ${k}`;
}

// The cost with another value of the number.
function costAt(key, value) {
  const now = valueOf(key);
  put(key, value);
  const cost = step(uptoCost, state.given, state.rates).cost.at(0, 0);
  put(key, now);
  return cost;
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
  const [low, high] = rangeOf(key), slider = byId('slider');
  Object.assign(slider, { min: low, max: high, step: (high - low) / 400 });
  showTurned();
}

function showTurned() {
  if (byId('turning').hidden) return;
  const now = valueOf(turned), slope = slopeOf(turned), cost = state.made.cost.at(0, 0);
  const symbol = symbolOfKey(turned), slider = byId('slider');
  slider.value = now;
  slider.setAttribute('aria-valuetext', `${aloud(symbol)} is ${written(now, 3)}`);
  byId('turned-value').replaceChildren(...typeset(symbol), ` = ${shown(now, 4)}`);
  const gradient = math(derivative('C', symbol));
  const falls = slope === 0 ? 'Here the cost does not move with it.'
    : `The cost ${slope > 0 ? 'grows' : 'falls'} when it grows, so a step makes it ${slope > 0 ? 'smaller' : 'larger'}.`;
  byId('slope').replaceChildren(make('strong', {}, gradient, ` = ${shown(slope, 4)}`), ' is the slope of the tangent. ',
    turned.startsWith('x') ? falls.replace(/, so.*/, '. An input is given: no step moves it.') : falls);
  byId('curve').replaceChildren(...curveOf(turned, now, slope, cost, symbol));
  setIdle('unturn', state.changed.size === 0);
  show(viewOfTurned());
}

function curveOf(key, now, slope, cost, symbol) {
  const range = rangeOf(key), [low, high] = range;
  const points = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1))
    .map((value) => [value, costAt(key, value)]);
  const first = state.changed.get(key);
  return chart({
    name: `The cost along ${aloud(symbol)}: it is ${written(cost, 4)} at ${written(now, 4)}, with slope ${written(slope, 4)}`,
    titles: [drawn(symbol), ['C, the cost']],
    x: range,
    y: around(points.map(([, c]) => c), { least: points.every(([, c]) => c >= 0) ? 0 : -Infinity }),
    lines: [
      { points, kind: 'cost' },
      { points: [low, high].map((value) => [value, cost + slope * (value - now)]), kind: 'tangent' },
    ],
    marks: [
      ...(first === undefined ? [] : [{ at: [first, costAt(key, first)], kind: 'was' }]),
      { at: [now, cost], kind: 'now' },
    ],
    legend: [['cost', ['cost']], ['tangent', ['tangent']], ['dot now', ['now']],
      ...(first === undefined ? [] : [['dot was', ['at the start']]])],
  });
}

function viewOfTurned() {
  const part = partOf(turned);
  return {
    neuron: (layer, j) => {
      const name = layer === 1 ? 'x' : `a${layer}`, bias = `b${layer}`;
      const own = turned === keyOf(bias, j, 0);
      return {
        symbol: symbolOf(name, tableOf(name), j, sampleDrawn), number: tableOf(name).at(j, sampleDrawn),
        note: own ? [symbolOfKey(turned), valueOf(turned)] : undefined,
        kinds: part === `${layer}:${j}` ? ['made'] : [],
      };
    },
    edge: (l, j, k) => {
      const key = keyOf(`w${l}`, j, k);
      return { number: valueOf(key), label: key === turned ? valueOf(key) : undefined, kinds: key === turned ? ['made'] : [] };
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

// A click on a line chooses its weight; on a neuron its bias, or the input.
svg.addEventListener('click', (event) => {
  const part = event.target.closest('[data-part]')?.dataset.part;
  if (!part || part.startsWith(COST)) return;
  const [layer, rest] = part.split(':'), [j, k] = rest.split(',').map(Number);
  const key = k !== undefined ? keyOf(`w${layer}`, j, k) : layer === '1' ? keyOf('x', j, sampleDrawn) : keyOf(`b${layer}`, j, 0);
  if (!turnable().includes(key)) return;
  if (byId('turning').hidden && byId('walk').hidden) return;
  turned = key;
  chooseTab('turning');
  chooseTurned(key);
});
