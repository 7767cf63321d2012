// The network drawn: neurons as circles with their values, weights as lines.
//
// A line is thicker the larger the weight, solid where it is positive and dashed where negative.
// Of a large layer the first neuron, the last and those picked are drawn.

const svg = document.getElementById('drawing');
const WIDTH = 360, PICTURE = 84; // in units of the drawing
const NARROW = matchMedia('(max-width: 60rem)'); // where it stands above the equations

const neurons = new Map(), edges = new Map(); // by "layer:j" and "layer:j,k"
let sampleDrawn = 0;

const shape = (tag, attributes, ...children) => {
  const element = document.createElementNS(svg.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const picture = shape('g', { class: 'picture' });

// Three digits, or what fits into a circle: five characters or so.
function brief(number) {
  const size = Math.abs(number);
  if (!Number.isFinite(number)) return written(number);
  if (size === 0 || (size >= 0.001 && size < 9999.5))
    return significant(number, size < 0.1 ? 2 : 3).replaceAll('-', '−');
  return number.toExponential(0).replace('+', '').replaceAll('-', '−');
}

// The same in a circle, which a sign and three digits do not fit into.
function inside(number) {
  const text = brief(number);
  return text.startsWith('−0.') ? brief(Number(number.toPrecision(2))) : text;
}

function drawnOf(layer) {
  const n = described.sizes[layer - 1];
  if (n <= (NARROW.matches ? 5 : 10)) return Array.from({ length: n }, (_, j) => j);
  const { j, k } = state.pick;
  const some = new Set([0, n - 1, j[layer] ?? 0, k[layer + 1] ?? 0]);
  return [...some].sort((one, other) => one - other);
}

// Rows of a layer, a gap (null) where neurons are left out.
function rowsOf(layer) {
  return drawnOf(layer).flatMap((j, i, all) => (i > 0 && j > all[i - 1] + 1 ? [null, j] : [j]));
}

const valuesOf = (layer) => (layer === 1 ? state.given.x : state.made[`a${layer}`]);

function draw() {
  const columns = described.sizes.map((_, i) => rowsOf(i + 1));
  const most = Math.max(...columns.map((rows) => rows.length)), dense = most > 4;
  const pitch = dense ? (NARROW.matches ? 48 : 56) : 76, radius = dense ? 18 : 21;
  const free = ((most - columns[0].length) * pitch) / 2; // above the inputs, for their picture
  const height = most * pitch + 16 + (side() ? 2 * Math.max(0, PICTURE + 16 - free) : 0);
  const circles = shape('g', {}), lines_ = shape('g', {}), labels = shape('g', {});
  neurons.clear();
  edges.clear();
  columns.forEach((rows, index) => rows.forEach((j, i) => {
    const x = 44 + ((WIDTH - 88) * index) / (state.layers - 1);
    const y = height / 2 + (i - (rows.length - 1) / 2) * pitch;
    circles.append(j === null
      ? shape('text', { x, y: y + 6, class: 'gap' }, '⋮')
      : drawNeuron(index + 1, j, [x, y], radius, !dense));
  }));
  for (let l = 2; l <= state.layers; l++)
    for (const j of drawnOf(l))
      for (const k of drawnOf(l - 1)) drawWeight(l, j, k, lines_, labels);
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
  svg.classList.toggle('dense', dense);
  svg.replaceChildren(lines_, circles, labels, picture);
  drawNumbers();
}

function drawNeuron(layer, j, at, radius, named) {
  const [cx, cy] = at;
  const anchor = layer === state.layers ? 'end' : (layer === 1 ? 'start' : 'middle');
  const x = cx + { end: radius + 14, start: -radius - 14, middle: 0 }[anchor];
  const value = shape('text', { x: cx, y: cy + 4.5, class: 'value' });
  const caption = shape('text', {
    x, y: cy + radius + 13, class: 'caption', 'text-anchor': anchor,
  });
  const group = shape('g', { class: 'neuron', 'data-part': `${layer}:${j}` },
    shape('circle', { cx, cy, r: radius }), value, caption);
  const symbol = layer === 1 ? 'x' : `a${layer}`;
  const index = described.sizes[layer - 1] > 1 ? `[${j}]` : '';
  const name = shape('text', { x: cx, y: cy - radius - 5, class: 'name' }, symbol + index);
  if (named) group.append(name);
  neurons.set(`${layer}:${j}`, { element: group, value, text: caption, at, layer, j });
  return group;
}

function drawWeight(l, j, k, lines_, labels) {
  const { at: from } = neurons.get(`${l - 1}:${k}`), { at: to } = neurons.get(`${l}:${j}`);
  const [x1, y1, x2, y2] = [...from, ...to], place = `${l}:${j},${k}`;
  const line = shape('line', { x1, y1, x2, y2, class: 'edge', 'data-part': place });
  const label = shape('text', { class: 'weight' });
  lines_.append(line);
  labels.append(label);
  edges.set(place, { element: line, text: label, from, to, key: keyOf(`w${l}`, j, k) });
}

// Put the numbers of the sample that is drawn into the circles, and the weights' into the lines.
function drawNumbers() {
  for (const { value, layer, j } of neurons.values())
    value.textContent = inside(valuesOf(layer).at(j, sampleDrawn));
  const weights = [...edges.values()].map(({ key }) => valueOf(key));
  const largest = Math.max(...weights.map(Math.abs)) || 1;
  [...edges.values()].forEach(({ element }, i) => {
    const share = Math.min(1, Math.abs(weights[i]) / largest) || 0;
    element.setAttribute('stroke-width', (1 + 4 * share).toFixed(2));
    element.classList.toggle('negative', weights[i] < 0);
  });
  drawPicture();
  const which = state.given.x.cols > 1 ? `sample ${sampleDrawn}` : '';
  document.getElementById('drawn-sample').textContent = which;
}

// The side of the picture that the inputs are, such as 28 for the digits of MNIST; else 0.
function side() {
  const root = NARROW.matches ? 0 : Math.sqrt(described.sizes[0]);
  return Number.isInteger(root) && root >= 8 && root <= 64 ? root : 0;
}

// The inputs of the sample as a picture, the one that was picked in a frame.
function drawPicture() {
  picture.replaceChildren();
  const n = side(), unit = PICTURE / n, edge = PICTURE + 2;
  if (!n) return;
  const pixel = (k, more) => shape('rect', {
    x: 2 + (k % n) * unit, y: 2 + Math.floor(k / n) * unit, width: unit, height: unit, ...more,
  });
  const ink = (k) => Math.min(1, state.given.x.at(k, sampleDrawn));
  const inked = Array.from({ length: n * n }, (_, k) => k).filter((k) => ink(k) > 0);
  picture.append(
    shape('rect', { x: 1, y: 1, width: edge, height: edge, class: 'frame' }),
    ...inked.map((k) => pixel(k, { 'fill-opacity': ink(k) })),
    pixel(state.pick.k[2] ?? 0, { class: 'pixel' }));
}
