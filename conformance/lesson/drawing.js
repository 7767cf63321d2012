// The network drawn: neurons as circles with their values, weights as lines.
//
// A line is thicker the larger the weight, solid where it is positive and dashed where negative.

const SVG = document.getElementById('drawing').namespaceURI;
const NARROW = matchMedia('(max-width: 60rem)');
const WIDTH = 360, PICTURE = 84;

const shape = (tag, attributes, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const brief = (number) => (Number.isFinite(number)
  ? significant(number, 3).replaceAll('-', '−').replace('e−0', 'e−') : written(number));

// In a circle there is room for five characters or so.
function briefest(number) {
  const size = Math.abs(number);
  if (size !== 0 && (size < 0.001 || size >= 9999.5)) {
    return Number.isFinite(number) ? number.toExponential(0).replace('+', '').replaceAll('-', '−') : written(number);
  }
  return brief(Number(number.toPrecision(size < 0.1 ? 2 : 3)));
}

// The side of the picture that the inputs are, such as 28 for the digits of MNIST; else 0.
function side() {
  const root = NARROW.matches ? 0 : Math.sqrt(described.sizes[0]);
  return Number.isInteger(root) && root >= 8 && root <= 64 ? root : 0;
}

// The inputs of the sample as a picture, the one that was picked in a frame.
function drawPicture() {
  const n = side(), x = state.given.x, unit = PICTURE / n;
  picture.replaceChildren();
  if (!n) return;
  const pixel = (k, more) => shape('rect', {
    x: 2 + (k % n) * unit, y: 2 + Math.floor(k / n) * unit, width: unit, height: unit, ...more,
  });
  const inked = Array.from({ length: n * n }, (_, k) => [k, x.at(k, sampleDrawn)])
    .filter(([, ink]) => ink > 0);
  const frame = shape('rect', { x: 1, y: 1, width: PICTURE + 2, height: PICTURE + 2, class: 'frame' });
  const dots = inked.map(([k, ink]) => pixel(k, { 'fill-opacity': Math.min(1, ink) }));
  picture.replaceChildren(frame, ...dots, pixel(state.pick.k[2] ?? 0, { class: 'pixel' }));
}

const picture = shape('g', { class: 'picture' });
const neurons = new Map(), edges = new Map(); // by "layer:j" and "layer:j,k"
let sampleDrawn = 0;

// The neurons of a layer that are drawn: all, or the first, the last, and those picked.
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

function draw() {
  neurons.clear();
  edges.clear();
  const columns = described.sizes.map((_, i) => rowsOf(i + 1));
  const most = Math.max(...columns.map((rows) => rows.length));
  const pitch = most > 4 ? (NARROW.matches ? 48 : 56) : 76, radius = most > 4 ? 18 : 21;
  const free = ((most - columns[0].length) * pitch) / 2; // above the inputs, for their picture
  const height = most * pitch + 16 + (side() ? 2 * Math.max(0, PICTURE + 16 - free) : 0);
  const across = (layer) => 44 + ((WIDTH - 88) * (layer - 1)) / (state.layers - 1);
  const middle = (layer, i) => height / 2 + (i - (columns[layer - 1].length - 1) / 2) * pitch;
  const under = shape('g', {}), over = shape('g', {}), labels = shape('g', {});

  columns.forEach((rows, index) => rows.forEach((j, i) => {
    const layer = index + 1, at = [across(layer), middle(layer, i)];
    if (j === null) {
      over.append(shape('text', { x: at[0], y: at[1] + 6, class: 'gap' }, '⋮'));
      return;
    }
    const value = shape('text', { x: at[0], y: at[1] + 4.5, class: 'value' });
    const anchor = layer === state.layers ? 'end' : (layer === 1 ? 'start' : 'middle');
    const x = at[0] + { end: radius + 14, start: -radius - 14, middle: 0 }[anchor];
    const caption = shape('text', { x, y: at[1] + radius + 13, class: 'caption', 'text-anchor': anchor });
    const table = layer === 1 ? state.given.x : state.made[`a${layer}`];
    const symbol = word(layer === 1 ? 'x' : `a${layer}`) + (table.rows > 1 ? `[${j}]` : '');
    const group = shape('g', { class: 'neuron', 'data-part': `${layer}:${j}` },
      shape('circle', { cx: at[0], cy: at[1], r: radius }), value, caption);
    if (pitch > 60) group.append(shape('text', { x: at[0], y: at[1] - radius - 5, class: 'name' }, symbol));
    over.append(group);
    neurons.set(`${layer}:${j}`, { group, value, caption, at, layer, j });
  }));
  for (let l = 2; l <= state.layers; l++)
    for (const j of drawnOf(l)) for (const k of drawnOf(l - 1)) {
      const [from, to] = [neurons.get(`${l - 1}:${k}`).at, neurons.get(`${l}:${j}`).at];
      const line = shape('line', {
        x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: 'edge', 'data-part': `${l}:${j},${k}`,
      });
      const label = shape('text', { class: 'weight' });
      under.append(line);
      labels.append(label);
      edges.set(`${l}:${j},${k}`, { line, label, from, to, key: keyOf(`w${l}`, j, k) });
    }
  const svg = document.getElementById('drawing');
  svg.classList.toggle('dense', most > 4);
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
  svg.replaceChildren(under, over, labels, picture);
  drawNumbers();
}

// Put the numbers of the sample that is drawn into the circles, and the weights' into the lines.
function drawNumbers() {
  for (const { value, layer, j } of neurons.values()) {
    const table = layer === 1 ? state.given.x : state.made[`a${layer}`];
    value.textContent = briefest(table.at(j, sampleDrawn));
  }
  const sizes = [...edges.values()].map(({ key }) => Math.abs(valueOf(key)));
  const largest = Math.max(...sizes) || 1;
  [...edges.values()].forEach(({ line, key }, i) => {
    line.setAttribute('stroke-width', (1 + 4 * Math.min(1, sizes[i] / largest) || 1).toFixed(2));
    line.classList.toggle('negative', valueOf(key) < 0);
  });
  drawPicture();
  const which = state.given.x.cols > 1 ? `sample ${sampleDrawn}` : '';
  document.getElementById('drawn-sample').textContent = which;
}

// Which neuron or weight a number belongs to in the drawing.
function drawnPart(key) {
  const [name, j, k] = parts(key);
  const [quantity, layer] = split(name);
  if (/w$/.test(quantity)) return edges.get(`${layer}:${j},${k}`);
  if (name === 'x' || name === 'y') return neurons.get(`${name === 'x' ? 1 : state.layers}:${j}`);
  return neurons.get(`${layer}:${j}`);
}

function captionOf(key) {
  const [name] = parts(key);
  const [quantity] = split(name);
  if (name === 'x') return '';
  const number = briefest(valueOf(key));
  if (quantity === 'w') return name.endsWith('+') ? `← ${number}` : number;
  return `${word(quantity)} ${name.endsWith('+') ? '← ' : ''}${number}`;
}

// A weight's number goes where the lines that it is shown with lie apart.
function setBeside({ label, from, to }, share) {
  label.setAttribute('x', from[0] + (to[0] - from[0]) * share);
  label.setAttribute('y', from[1] + (to[1] - from[1]) * share + 4);
}

// Show what takes part: the number itself (if any), and what it was made of.
function mark(key, sources) {
  const svg = document.getElementById('drawing');
  for (const element of svg.querySelectorAll('.made, .source'))
    element.classList.remove('made', 'source');
  for (const { caption } of neurons.values()) caption.textContent = '';
  for (const { label } of edges.values()) label.textContent = '';
  svg.classList.toggle('marked', key !== null);
  if (key === null) return;
  const [name, , s] = parts(key);
  if (/^(x|y|(z|a|delta|prime)\d*)$/.test(name) && s !== sampleDrawn) {
    sampleDrawn = s;
    drawNumbers();
  }
  const drawn = [...sources, key].map((each) => [each, drawnPart(each)]).filter(([, part]) => part);
  const ends = new Set(drawn.filter(([, part]) => part.line).map(([, part]) => part.to));
  for (const [each, part] of drawn) {
    if (part.line) setBeside(part, ends.size > 1 ? 0.62 : 0.34);
    const kind = each === key ? 'made' : 'source';
    const element = part.group ?? part.line;
    element.classList.remove('source'); // a neuron may be both
    element.classList.add(kind);
    const text = part.caption ?? part.label, said = captionOf(each);
    const before = text.textContent;
    if (said) text.textContent = before ? `${before}, ${said}` : said;
    text.setAttribute('class', `${part.caption ? 'caption' : 'weight'} ${kind}`);
  }
}
