// The network drawn: neurons as circles, weights as lines, and the cost at the end of all paths.
//
// What is shown is a view: for each neuron a symbol and a number, for each line a number by which
// it is thick, and what is marked. A line is thicker the larger its number, solid above 0 and dashed
// below. Of a large layer the first neuron, the last and those picked are drawn. A number beside a
// line stands where it touches no other, or is left out: all stand beside the drawing too.

const svg = document.getElementById('drawing');
const NARROW = matchMedia('(max-width: 60rem)'); // where it stands above the equations
const COST = 'cost'; // the part that is the cost

const neurons = new Map(), edges = new Map(); // by "layer:j" and "layer:j,k"
let sampleDrawn = 0, costNode = null;

// Its size, by the neurons of the largest layer.
function canvas() {
  const most = Math.max(...described.sizes);
  return NARROW.matches
    ? { width: 380, height: Math.min(336, 90 + 90 * most), radius: 20, font: 12, margin: 26 }
    : { width: 660, height: Math.min(540, 120 + 150 * most), radius: 31, font: 15, margin: 44 };
}

function drawnOf(layer) {
  const n = described.sizes[layer - 1];
  if (n <= (NARROW.matches ? 4 : 5)) return Array.from({ length: n }, (_, j) => j);
  const { j, k } = state.pick;
  const some = new Set([0, n - 1, j[layer] ?? 0, k[layer + 1] ?? 0]);
  return [...some].sort((one, other) => one - other);
}

// Rows of a layer, a gap (null) where neurons are left out.
function rowsOf(layer) {
  return drawnOf(layer).flatMap((j, i, all) => (i > 0 && j > all[i - 1] + 1 ? [null, j] : [j]));
}

function draw() {
  const { width, height, radius, font, margin } = canvas();
  const columns = described.sizes.map((_, i) => rowsOf(i + 1));
  const apart = (width - 2 * margin - radius) / columns.length;
  const circles = shape('g'), under = shape('g'), labels = shape('g', { class: 'labels' });
  const nodes = new Map(), middle = height / 2 + (NARROW.matches ? 1 : 5); // names stand above
  columns.forEach((rows, index) => {
    const pitch = Math.min(height / rows.length, height / 2.6);
    rows.forEach((j, i) => {
      const x = margin + radius / 2 + apart * index, y = middle + (i - (rows.length - 1) / 2) * pitch;
      const part = `${index + 1}:${j}`;
      if (j === null) circles.append(shape('text', { x, y: y + 6, class: 'gap' }, '⋮'));
      else nodes.set(part, nodeAt([x, y], radius, part));
    });
  });
  fill(neurons, nodes);
  costNode = nodeAt([width - margin - radius / 2, middle], radius, COST);
  edges.clear();
  for (const [l, j, k] of drawnWeights()) edges.set(`${l}:${j},${k}`, lineAt(l, j, k));
  for (const j of drawnOf(state.layers)) edges.set(`${COST}:${j}`, lineTo(j));
  under.append(...[...edges.values()].map(({ element }) => element));
  labels.append(...[...edges.values()].map(({ label }) => label));
  circles.append(...[...neurons.values(), costNode].map(({ element }) => element));
  drawPicture([width, height]);
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.style.setProperty('--font', `${font}px`);
  const said = [svg.querySelector('title'), svg.querySelector('desc')];
  svg.replaceChildren(...said, picture, under, circles, labels, flowing);
}

function fill(map, entries) {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function drawnWeights() {
  const layers = Array.from({ length: state.layers - 1 }, (_, i) => i + 2);
  return layers.flatMap((l) => drawnOf(l).flatMap((j) => drawnOf(l - 1).map((k) => [l, j, k])));
}

function nodeAt([cx, cy], radius, part) {
  const side = radius * 1.8;
  const body = part === COST
    ? shape('rect', { x: cx - side / 2, y: cy - side / 2, width: side, height: side, rx: 5 })
    : shape('circle', { cx, cy, r: radius });
  const value = shape('text', { x: cx, y: cy, class: 'value' });
  const name = shape('text', { x: cx, y: cy - radius - (NARROW.matches ? 7 : 10), class: 'name' });
  const note = shape('text', { x: cx, y: cy + radius + (NARROW.matches ? 14 : 17), class: 'note' });
  const element = shape('g', { class: 'neuron', 'data-part': part },
    body, plate(), name, value, plate(), note);
  return { element, name, value, note, at: [cx, cy], width: part === COST ? side : 2 * radius };
}

// What hides the lines behind a text.
const plate = () => shape('rect', { class: 'plate' });

function lineBetween(from, to, part) {
  const [x1, y1, x2, y2] = [...from.at, ...to.at];
  const line = shape('line', { x1, y1, x2, y2, class: 'edge' });
  const touch = shape('line', { x1, y1, x2, y2, class: 'touch' }); // wide enough for a finger
  const element = shape('g', { class: 'weight', 'data-part': part }, line, touch);
  return { element, line, label: shape('text', { class: 'beside' }), from: from.at, to: to.at };
}

const lineAt = (l, j, k) =>
  lineBetween(neurons.get(`${l - 1}:${k}`), neurons.get(`${l}:${j}`), `${l}:${j},${k}`);

function lineTo(j) {
  const edge = lineBetween(neurons.get(`${state.layers}:${j}`), costNode, `${COST}:${j}`);
  edge.element.classList.add('to-cost');
  return edge;
}

// ---- views

const KINDS = ['made', 'source', 'path', 'fail', 'explained', 'pale'];

function setKinds(element, kinds) {
  for (const kind of KINDS) element.classList.toggle(kind, kinds.includes(kind));
}

// A symbol with a number behind it, or the symbol alone.
function setLabel(text, symbol, number) {
  const plate = text.previousSibling;
  const words = number === undefined ? symbol : `${symbol} = ${brief(number)}`;
  text.replaceChildren(...(symbol ? drawn(words) : []));
  const { x, y, width, height } = text.getBBox();
  const box = { x, y, width, height };
  for (const [name, value] of Object.entries(box)) plate.setAttribute(name, value);
}

// Show a view: functions that give what stands in a neuron, on a line and in the cost.
//
// neuron(layer, j): { symbol, number, note: [symbol, number], kinds }; edge(l, j, k): { number,
// label, kinds }; cost: { number, kinds }; toCost(j): kinds; legend: what the marks mean; said: the
// whole in words.
function show(view) {
  for (const [part, node] of neurons) showNode(node, view.neuron(...part.split(':').map(Number)));
  showNode(costNode, { symbol: 'C', ...view.cost });
  const weights = drawnWeights().map(([l, j, k]) => [edges.get(`${l}:${j},${k}`), view.edge(l, j, k)]);
  const sizes = weights.map(([, { number }]) => Math.abs(number ?? 0)).filter(Number.isFinite);
  const largest = Math.max(...sizes) || 1;
  for (const [edge, { number, label, kinds = [] }] of weights) {
    const share = Math.min(1, Math.abs(number ?? 0) / largest) || 0;
    edge.line.setAttribute('stroke-width', (1 + (NARROW.matches ? 3.5 : 5) * share).toFixed(2));
    edge.line.classList.toggle('negative', number < 0);
    edge.line.classList.toggle('unknown', number === undefined);
    setKinds(edge.element, kinds);
    edge.texts = textsOf(label);
  }
  for (const j of drawnOf(state.layers))
    setKinds(edges.get(`${COST}:${j}`).element, view.toCost?.(j) ?? []);
  placeLabels(weights.map(([edge]) => edge));
  document.getElementById('lines-show').textContent = `Lines: ${view.lines ?? 'weights'}`;
  const several = state.given.x.cols > 1 ? [`sample ${sampleDrawn}`] : [];
  document.getElementById('drawing-said').textContent = view.said;
  const words = [...several, ...(view.legend ?? [])].join('; ');
  document.getElementById('drawn-sample').textContent = words;
}

function showNode(node, { symbol, number, note, kinds = [] }) {
  setLabel(node.name, symbol);
  setValue(node, number);
  setLabel(node.note, ...(note || []));
  setKinds(node.element, kinds);
}

// The number in a circle, to as many digits as fit.
function setValue({ value, width }, number) {
  const most = width - 5, texts = number === undefined ? [''] : textsOf(number);
  value.removeAttribute('textLength');
  for (const text of texts) {
    value.textContent = text;
    if (!text || value.getComputedTextLength() <= most) return;
  }
  value.setAttribute('textLength', most);
  value.setAttribute('lengthAdjust', 'spacingAndGlyphs');
}

// ---- numbers beside lines

const PLACES = [0, -11, 11].flatMap((off) => // how far from the line
  [0.5, 0.36, 0.64, 0.28, 0.72, 0.2, 0.8].map((share) => [share, off]));

const boxOf = (element) => {
  const { x, y, width, height } = element.getBBox();
  return [x - 2, y, x + width + 2, y + height];
};
const touching = (one, other) =>
  one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

// Put each number where it touches nothing, first in the middle of its line; else leave it out.
function placeLabels(weights) {
  for (const { label } of weights) label.replaceChildren();
  const nodes = [...neurons.values(), costNode];
  const words = nodes.flatMap(({ name, note }) => [name, note]).filter((each) => each.textContent);
  const taken = [...nodes.map(({ element }) => element.firstChild), ...words].map(boxOf);
  for (const edge of weights) {
    const free = edge.texts.some((text) => PLACES.some((place) => {
      putBeside(edge, text, place);
      return !taken.some((box) => touching(box, boxOf(edge.label)));
    }));
    if (free) taken.push(boxOf(edge.label));
    else edge.label.replaceChildren();
  }
}

function putBeside({ label, from, to }, text, [share, off]) {
  label.textContent = text;
  label.setAttribute('x', from[0] + (to[0] - from[0]) * share);
  label.setAttribute('y', from[1] + (to[1] - from[1]) * share + off);
}

// How a label may be written, with most digits first; none if there is none.
function textsOf(label) {
  if (label === undefined) return [];
  return typeof label === 'number' ? [3, 2, 1].map((digits) => brief(label, digits)) : [label];
}

// ---- the inputs of a sample as the picture that they are, such as a digit; in a corner

const SIDE = 112; // of the picture, in units of the drawing
const picture = shape('g', { class: 'picture' });

// How many pixels a side has, such as 28 for the digits of MNIST; 0 if the inputs are no picture.
function pixels() {
  const root = NARROW.matches ? 0 : Math.sqrt(described.sizes[0]);
  return Number.isInteger(root) && root >= 8 && root <= 64 ? root : 0;
}

// The pixels in the lower right corner, and the input that was picked in a frame.
function drawPicture([width, height]) {
  picture.replaceChildren();
  const n = pixels(), unit = SIDE / n, left = width - SIDE - 4, top = height - SIDE - 4;
  if (!n) return;
  const pixel = (k, more) => shape('rect', {
    x: left + (k % n) * unit, y: top + Math.floor(k / n) * unit, width: unit, height: unit, ...more,
  });
  const ink = (k) => Math.min(1, state.given.x.at(k, sampleDrawn));
  const inked = Array.from({ length: n * n }, (_, k) => k).filter((k) => ink(k) > 0);
  picture.append(
    shape('rect', { x: left - 1, y: top - 1, width: SIDE + 2, height: SIDE + 2, class: 'frame' }),
    ...inked.map((k) => pixel(k, { 'fill-opacity': ink(k), class: 'ink' })),
    pixel(state.pick.k[2] ?? 0, { class: 'pixel' }));
}
