// The right side of each equation for one entry: a list of texts and of numbers with symbols.
//
// The notation is that of `conformance explain`, letter by letter. An operand has a key, such as
// `w3:0,1`, by which it is found: what was given before the step, a quantity, `prime2` for σ′(z2),
// and `w3+` for the weights after the update.

const NBSP = '\u00a0', DOT = '·', PLUS = ' + ';
const MOST = 4; // terms of a sum that are written out; of a longer one, one less

const split = (name) => [name.replace(/\d*\+?$/, ''), parseInt(name.match(/\d*\+?$/)[0], 10)];
const keyOf = (name, j, k) => `${name}:${j},${k}`;

function letterOf(quantity, layer) {
  const { symbols, functions } = described.table;
  return quantity === 'prime' ? `${functions[layer].symbol}′` : symbols[quantity] ?? quantity;
}

function word(name) {
  const [quantity, layer] = split(name);
  return `${letterOf(quantity, layer)}${layer || ''}`;
}

// The entry as it is written: no index where there is one entry, no sample where there is one.
function symbolOf(name, table, j, k) {
  if (table.data.length === 1) return word(name);
  const single = !/^(nabla_)?w/.test(name) && table.cols === 1;
  return `${word(name)}[${single ? j : `${j},${k}`}]`;
}

const RATES = { eta: 'η', lmbda: 'λ', n: 'n' };
const NAMES = { log: 'ln', maximum: 'max' }; // of functions
const SIGNS = { '+': PLUS, '-': ' − ', '>': ' > ' };
const SUM = 0, PRODUCT = 1, WHOLE = 2; // how firmly the parts of a formula hold together

// The formula of an entry as it stands: of a quantity, or of `prime2`, f′(z2).
function formulaOf(name, j, k) {
  const [quantity, layer] = split(name), { rows, functions } = described.table;
  const prime = quantity === 'prime';
  const { tree } = prime ? { tree: functions[layer].prime } : rows.find((row) => row.name === name);
  return new Entry(scopeOf(state.made)).written(tree, j, k)[0];
}

// f or f′ of its z, such as σ′(z2[1]); of a linear layer f is z itself.
function ofZ(name, table, j, k) {
  const [quantity, layer] = split(name), z = symbolOf(`z${layer}`, table, j, k);
  const f = described.table.functions[layer].symbol;
  return f ? `${f}${quantity === 'prime' ? '′' : ''}(${z})` : z;
}

// An operand of `f2` or `prime2` is written with the z2 that it is of.
function operandOf(scope, name, first, second) {
  const table = scope.table(name);
  const j = Math.min(first, table.rows - 1), k = Math.min(second, table.cols - 1);
  const [quantity, layer] = split(name);
  const value = quantity === 'prime' ? scope.entry(name)(j, k) : table.at(j, k);
  if (quantity !== 'f' && quantity !== 'prime')
    return { symbol: symbolOf(name, table, j, k), value, key: keyOf(name, j, k) };
  const of = quantity === 'f' ? `a${layer}` : name;
  return { symbol: ofZ(name, table, j, k), value, key: keyOf(of, j, k) };
}

// Writes an entry of a tree: its pieces, and how firmly they hold together.
class Entry {
  constructor(scope) {
    this.scope = scope;
  }

  written(tree, j, k) {
    if (tree === 'm' || typeof tree === 'number') return [[String(this.scope.number(tree))], WHOLE];
    if (tree in RATES) {
      return [[{ symbol: RATES[tree], value: this.scope.number(tree), key: tree }], WHOLE];
    }
    if (!Array.isArray(tree)) return [[operandOf(this.scope, tree, j, k)], WHOLE];
    const [operator, ...operands] = tree;
    if (operator === 'T') return this.written(operands[0], k, j);
    if (operator === 'if') {
      return this.written(operands[this.scope.number(operands[0]) ? 1 : 2], j, k);
    }
    if (!/^@|^sum/.test(operator))
      return joined(operator, operands.map((each) => this.written(each, j, k)));
    const terms = this.terms(operator, operands, j, k);
    return terms.length === 1 ? terms[0] : [[{ sum: terms.map(([pieces]) => pieces) }], SUM];
  }

  terms(operator, [left, right], j, k) {
    const [rows, cols] = this.scope.shape(left);
    const each = (count, term) => Array.from({ length: count }, (_, i) => term(i));
    if (operator === '@')
      return each(cols, (i) => joined('*', [this.written(left, j, i), this.written(right, i, k)]));
    if (operator === 'sum1') return each(cols, (s) => this.written(left, j, s));
    if (operator === 'sum0') return each(rows, (i) => this.written(left, i, k));
    return each(rows * cols, (e) => this.written(left, Math.floor(e / cols), e % cols));
  }
}

function joined(operator, [left, right]) {
  if (operator === 'neg') return negative(left);
  if (operator in SIGNS) {
    const after = operator === '-' ? within(right, PRODUCT) : right[0];
    return [[...left[0], SIGNS[operator], ...after], SUM];
  }
  if (operator === '*' || operator === '/') return multiplied(operator, left, right);
  if (operator === '**') return [[...within(left, WHOLE), '²'], WHOLE];
  if (operator === 'exp') return [['e^', ...within(left, WHOLE)], WHOLE];
  const second = right ? [', ', ...right[0]] : [];
  return [[`${NAMES[operator] ?? operator}(`, ...left[0], ...second, ')'], WHOLE];
}

function multiplied(operator, left, right) {
  if (right[0].length === 1 && right[0][0] === '1') return left; // m, of one sample
  const before = within(left, PRODUCT);
  if (operator === '/') return [[...before, ' / ', ...within(right, WHOLE)], PRODUCT];
  const plain = [...left[0], ...right[0]].every((each) => typeof each === 'string');
  return [[...before, plain ? ' · ' : DOT, ...within(right, PRODUCT)], PRODUCT];
}

function negative(of) {
  const [[first, ...rest]] = of;
  if (rest.length || !first.symbol) return [['−', ...within(of, PRODUCT)], PRODUCT];
  return [[{ ...first, symbol: `−${first.symbol}`, value: -first.value }], WHOLE];
}

// The pieces, in parentheses if they hold together less firmly; brackets around those.
function within([pieces, binding], least) {
  if (binding >= least) return pieces;
  const [opened, closed] = hasParentheses(pieces) ? '[]' : '()';
  return [opened, ...pieces, closed];
}

const hasParentheses = (pieces) => pieces.some((piece) =>
  (piece.sum ? piece.sum.some(hasParentheses) : typeof piece === 'string' && piece.endsWith('(')));

// Every number of a formula, those of a long sum too.
function operandsOf(pieces) {
  return pieces.flatMap((piece) => {
    if (typeof piece === 'string') return [];
    return piece.sum ? piece.sum.flatMap(operandsOf) : [piece];
  });
}

// The formula with its sums written out; of a long one some terms that are not 0 stand for all.
function writtenOut(pieces) {
  return pieces.flatMap((piece) => {
    if (!piece.sum) return [piece];
    const all = piece.sum, full = all.filter((term) => operandsOf(term).every((o) => o.value));
    const few = all.length > MOST ? [...full, ...all].slice(0, MOST - 1) : all;
    const joined = few.flatMap((term) => [PLUS, ...term]).slice(1);
    return few === all ? joined : [...joined, PLUS, `… (${all.length} terms)`];
  });
}

// Pairs of a text and the operand that it shows, if any; a line breaks only after a dot or plus.
function spelled(pieces, inNumbers) {
  let before = '';
  return writtenOut(pieces).map((piece) => {
    let text = inNumbers ? written(piece.value) : piece.symbol;
    if (piece === DOT) text = inNumbers ? `${NBSP}· ` : NBSP;
    else if (piece === PLUS) text = `${NBSP}+ `;
    else if (typeof piece === 'string') text = piece.replaceAll(' ', NBSP);
    else if (inNumbers && text.startsWith('−') && /[^([^]$/.test(before)) text = `(${text})`;
    before = text || before;
    return [text, piece.key ? piece : null];
  });
}

// ---- numbers: short decimals as they are, others to six digits, with a minus that is no hyphen

const SIX = 6, SHORT = 7;

// So many significant digits; a power of ten only where the number is very large or small.
function significant(number, digits) {
  const [mantissa, power] = number.toExponential(digits - 1).split('e');
  const exponent = Number(power);
  const trimmed = (text) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent >= -4 && exponent < digits) return trimmed(number.toFixed(digits - 1 - exponent));
  const sign = exponent < 0 ? '-' : '+';
  return `${trimmed(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function written(number, digits = SIX) {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number < 0 ? '−inf' : 'inf';
  const short = significant(number, SHORT);
  const text = Number(short) === number ? short : significant(number, digits);
  return Number(text) === 0 ? text.replace(/^-/, '') : text.replaceAll('-', '−');
}
