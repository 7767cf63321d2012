// The steps of the lesson: one a number that the step of descent computes, in causal order.
//
// A step has the row of the table that it belongs to, the entry, its key and symbol, and the pieces
// of its formula. Left out: why each factor is there (`explain.js`).

const rowOf = (name) => described.table.rows.find((row) => row.name === name);

// The entries of a quantity that are shown, before each δ the σ′ that it takes.
function shownEntries(row) {
  const { rows, cols } = state.made[row.name];
  const all = described.whole
    ? Array.from({ length: rows * cols }, (_, e) => [Math.floor(e / cols), e % cols])
    : [picked(row.name)];
  return all.flatMap(([j, k]) => [...(row.prime ? [[row.prime, j, k]] : []), [row.name, j, k]]);
}

function stepOf(row, name, j, k) {
  const [quantity, layer] = split(name);
  const slope = quantity === 'prime', updated = quantity === 'b' || quantity === 'w';
  const table = slope ? scopeOf(state.made).table(name) : state.made[row.name];
  return {
    row, name, quantity, layer: layer || state.layers, j, k, slope, updated, table,
    key: keyOf(updated ? `${name}+` : name, j, k),
    symbol: slope ? ofZ(name, table, j, k) : symbolOf(name, table, j, k),
    arrow: updated ? '←' : '=',
    weight: /w$/.test(quantity),
    sample: /^(z|a|delta|prime)$/.test(quantity) ? k : null,
  };
}

function allSteps() {
  return described.table.rows.flatMap((row) =>
    shownEntries(row).map((entry) => stepOf(row, ...entry)));
}

// The right side in symbols; an activation is written out where its number stands.
function formulaOfStep(step) {
  if (step.quantity !== 'a') return formulaOf(step.name, step.j, step.k);
  const scope = scopeOf(state.made);
  const f = operandOf(scope, `f${step.layer}`, step.j, step.k);
  return [{ ...f, key: keyOf(`z${step.layer}`, step.j, step.k) }];
}

// Text of pieces, in symbols or numbers.
const textOf = (pieces, inNumbers) => spelled(pieces, inNumbers).map(([text]) => text).join('');

// One entry of a large table stands for all: of how many.
function shapeOf({ slope, table }) {
  const alone = described.whole || slope || table.data.length === 1;
  return alone ? '' : `(one of ${table.rows} × ${table.cols})`;
}

// The step as a line of text, letter by letter as the terminal prints it.
function plainLine(step) {
  const pieces = formulaOf(step.name, step.j, step.k), result = written(valueOf(step.key));
  const numbers = textOf(pieces, true), formula = textOf(formulaOfStep(step), false);
  const parts = [`${step.symbol} ${step.arrow} ${formula}`];
  if (numbers !== result) parts.push(`= ${numbers}`);
  parts.push(`= ${result}`, shapeOf(step));
  return parts.join(' ').replaceAll(NBSP, ' ').trim();
}

// ---- the same as nodes

// Pieces as nodes, each number with the key by which it is found; what follows e^ is raised.
function pieceNodes(pieces, inNumbers) {
  let power = false;
  return spelled(pieces, inNumbers).flatMap(([text, operand]) => {
    const raise = power && (operand || text);
    power = text.endsWith('e^');
    const plain = power ? text.slice(0, -1) : text;
    const content = inNumbers && operand ? [powered(plain)]
      : plain.startsWith('…') ? [plain] : typeset(plain); // words, not symbols
    if (!operand) return content;
    const span = make('span', { className: 'operand', data: { of: operand.key } }, ...content);
    return raise ? [make('sup', {}, span)] : [span];
  });
}

// Symbol, formula, numbers and result of a step, each a span of its own.
function equationNodes(step) {
  const pieces = formulaOf(step.name, step.j, step.k), result = written(valueOf(step.key));
  const span = (className, ...content) => make('span', { className }, ...content);
  const part = (kind, sign, ...content) =>
    span(`part ${kind}`, span('equals', sign), NBSP, ...content);
  const parts = [
    span('symbol', ...typeset(step.symbol)),
    part('formula', step.arrow, ...pieceNodes(formulaOfStep(step), false)),
  ];
  if (textOf(pieces, true) !== result) parts.push(part('numbers', '=', ...pieceNodes(pieces, true)));
  parts.push(part('result', '=', make('strong', {}, powered(result))));
  const of = shapeOf(step), before = written(valueOf(step.key, state.first));
  if (of) parts.push(span('part of', of));
  if (before !== result) parts.push(span('part was', `was ${powered(before)}`));
  return parts.flatMap((each) => [each, ' ']);
}

// ---- the whole step: every equation with its numbers; each line leads to its place in the walk

const lineByKey = new Map();

function renderLines() {
  lineByKey.clear();
  steps = allSteps();
  byId('scrub').max = steps.length - 1;
  for (const equation of document.querySelectorAll('.equation')) {
    const own = steps.filter(({ row }) => row.name === equation.dataset.name);
    equation.querySelector('.lines').replaceChildren(...own.map(lineOf));
  }
}

function lineOf(step) {
  const [symbol, ...rest] = equationNodes(step);
  const button = make('button', { type: 'button', className: 'symbol' }, ...symbol.childNodes);
  button.setAttribute('aria-label', `Go to ${aloud(step.symbol)}`);
  button.addEventListener('click', () => {
    chooseTab('walk');
    go(steps.findIndex(({ key }) => key === step.key));
    byId('now').scrollIntoView({ block: 'center' });
  });
  const line = make('li', { className: 'line', data: { key: step.key } }, button, ...rest);
  lineByKey.set(step.key, line);
  return line;
}

function markLine(key) {
  document.querySelector('.line[aria-current]')?.removeAttribute('aria-current');
  lineByKey.get(key)?.setAttribute('aria-current', 'step');
}
