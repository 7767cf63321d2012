// The lines of the equations: symbol, formula, numbers and result of each entry that is shown.

const make = (tag, properties = {}, ...children) => {
  const { data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
};

const places = new Map(); // by key: the lines and fields that show the number
const lines = []; // of the equations, in causal order

function place(key, element) {
  if (!places.has(key)) places.set(key, []);
  places.get(key).push(element);
}

function forget(kind) {
  for (const [key, elements] of places) {
    const kept = elements.filter((element) => !element.classList.contains(kind));
    if (kept.length) places.set(key, kept);
    else places.delete(key);
  }
}

// The entries of a quantity that are shown, before each δ the σ′ that it takes.
function shownEntries(name) {
  const { rows, cols } = state.made[name];
  const all = described.whole
    ? Array.from({ length: rows * cols }, (_, e) => [Math.floor(e / cols), e % cols])
    : [picked(name)];
  const { prime } = described.table.rows.find((row) => row.name === name);
  return all.flatMap(([j, k]) => [...(prime ? [[prime, j, k]] : []), [name, j, k]]);
}

function spans(pieces, inNumbers) {
  return spelled(pieces, inNumbers).map(([text, operand]) =>
    (operand ? make('span', { className: 'operand', data: { of: operand.key } }, text) : text));
}

function lineOf(name, j, k) {
  const [quantity, layer] = split(name);
  const updated = quantity === 'b' || quantity === 'w';
  const key = keyOf(updated ? `${name}+` : name, j, k);
  const table = state.made[quantity === 'prime' ? `z${layer}` : name];
  const pieces = formulaOf(name, j, k);
  const entry = symbolOf(quantity === 'prime' ? `z${layer}` : name, table, j, k);
  const formula = quantity === 'a'
    ? [`${described.table.functions[layer].symbol}(`, make('span', { className: 'operand', data: { of: keyOf(`z${layer}`, j, k) } },
      symbolOf(`z${layer}`, table, j, k)), ')']
    : spans(pieces, false);
  const numbers = spans(pieces, true);
  const result = written(valueOf(key));
  const plain = spelled(pieces, true).map(([text]) => text).join('');
  const alone = described.whole || quantity === 'prime' || table.data.length === 1;
  const shape = alone ? '' : `(one of ${table.rows} × ${table.cols})`;

  const line = make('li', { className: 'line', data: { key } });
  const symbol = quantity === 'prime' ? `${described.table.functions[layer].symbol}′(${entry})` : entry;
  const right = make('span', { className: 'right' });
  line.append(make('button', { type: 'button', className: 'symbol' }, symbol), ' ', right);
  const part = (sign, content, kind = '') => {
    const equals = make('span', { className: 'equals' }, sign);
    right.append(make('span', { className: `part ${kind}` }, equals, NBSP, ...content), ' ');
  };
  part(updated ? '←' : '=', formula, 'formula');
  if (plain !== result) part('=', numbers, 'numbers');
  part('=', [make('strong', {}, result)], 'result');
  if (shape) right.append(make('span', { className: 'part shape' }, shape), ' ');
  const before = written(valueOf(key, state.first));
  if (before !== result) right.append(make('span', { className: 'part was' }, `was ${before}`));
  return line;
}

function renderLines() {
  forget('line');
  lines.length = 0;
  for (const equation of document.querySelectorAll('.equation')) {
    const shown = shownEntries(equation.dataset.name).map((entry) => lineOf(...entry));
    equation.querySelector('.lines').replaceChildren(...shown);
    lines.push(...shown);
  }
  for (const line of lines) place(line.dataset.key, line);
}
