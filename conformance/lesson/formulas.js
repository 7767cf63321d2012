// The right side of each equation for one entry: a list of texts and of numbers with symbols.
//
// The notation is that of `conformance explain`, letter by letter. An operand has a key, such as
// `w3:0,1`, by which it is found: what was given before the step, a quantity, `prime2` for σ′(z2),
// and `w3+` for the weights after the update.

const NBSP = '\u00a0', DOT = '·', PLUS = ' + ';
const MOST = 4; // terms of a sum that are written out; of a longer one, one less
const LETTERS = { delta: 'δ', nabla_b: '∇b', nabla_w: '∇w', cost: 'C', prime: 'σ′' };

const split = (name) => [name.replace(/\d*\+?$/, ''), parseInt(name.match(/\d*\+?$/)[0], 10)];
const keyOf = (name, j, k) => `${name}:${j},${k}`;

function word(name) {
  const [quantity, layer] = split(name);
  return `${LETTERS[quantity] ?? quantity}${layer || ''}`;
}

// The entry as it is written: no index where there is one entry, no sample where there is one.
function symbolOf(name, table, j, k) {
  if (table.data.length === 1) return word(name);
  const single = !/^(nabla_)?w/.test(name) && table.cols === 1;
  return `${word(name)}[${single ? j : `${j},${k}`}]`;
}

// The formulas of a network as it stands: `given` and `made` are tables by their names.
function formulasOf({ layers, given, made, rates }) {
  const m = given.x.cols, quadratic = rates.cost === 'quadratic';

  const operand = (name, j, k) => { // of a weight or bias, the one before the update
    const key = name === 'a1' ? 'x' : name;
    const table = given[key] ?? made[key];
    return { symbol: symbolOf(key, table, j, k), value: table.at(j, k), key: keyOf(key, j, k) };
  };
  const zOf = (l, j, s) => operand(`z${l}`, j, s);
  const sigmaOf = (l, j, s) => {
    const { value, key } = operand(`a${l}`, j, s);
    return { symbol: `σ(${zOf(l, j, s).symbol})`, value, key };
  };
  const primeOf = (l, j, s) => ({
    symbol: `σ′(${zOf(l, j, s).symbol})`,
    value: sigmaPrime(zOf(l, j, s).value),
    key: keyOf(`prime${l}`, j, s),
  });
  const rate = (symbol, name) => ({ symbol, value: rates[name], key: name });
  const each = (count, term) => Array.from({ length: count }, (_, i) => term(i));
  const mean = (terms) => (m === 1 ? terms[0] : ['(', { sum: terms }, `) / ${m}`]);

  const square = (a, y) => ['(', a, ' − ', y, ')²'];
  const entropy = (a, y) => [y, DOT, 'ln(', a, ')', PLUS, '(1 − ', y, ')', DOT, 'ln(1 − ', a, ')'];
  const costs = (term) => each(given.y.data.length, (e) => {
    const j = Math.floor(e / m), s = e % m;
    return term(operand(`a${layers}`, j, s), operand('y', j, s));
  });

  const RULES = {
    z: (l, j, s) => [
      { sum: each(given[`w${l}`].cols,
        (k) => [operand(`w${l}`, j, k), DOT, operand(`a${l - 1}`, k, s)]) },
      PLUS, operand(`b${l}`, j, 0),
    ],
    a: (l, j, s) => {
      const { symbol, value, key } = zOf(l, j, s);
      return ['1 / (1 + e^', { symbol: `−${symbol}`, value: -value, key }, ')'];
    },
    cost: () => {
      const mean = m === 1 ? '' : ` / ${m}`, half = m === 1 ? ' / 2' : ` / (2 · ${m})`;
      if (!quadratic) return ['−[', { sum: costs(entropy) }, ']', mean];
      const terms = costs(square);
      return terms.length === 1 ? [...terms[0], half] : ['[', { sum: terms }, ']', half];
    },
    delta: (l, j, s) => {
      if (l === layers) {
        const a = operand(`a${l}`, j, s), y = operand('y', j, s);
        return quadratic ? ['(', a, ' − ', y, ')', DOT, primeOf(l, j, s)] : [a, ' − ', y];
      }
      const terms = each(given[`w${l + 1}`].rows,
        (i) => [operand(`w${l + 1}`, i, j), DOT, operand(`delta${l + 1}`, i, s)]);
      const inner = terms.length === 1 ? terms[0] : ['(', { sum: terms }, ')'];
      return [...inner, DOT, primeOf(l, j, s)];
    },
    prime: (l, j, s) => [sigmaOf(l, j, s), DOT, '(1 − ', sigmaOf(l, j, s), ')'],
    nabla_b: (l, j) => mean(each(m, (s) => [operand(`delta${l}`, j, s)])),
    nabla_w: (l, j, k) => mean(each(m,
      (s) => [operand(`delta${l}`, j, s), DOT, operand(`a${l - 1}`, k, s)])),
    b: (l, j) => {
      const old = operand(`b${l}`, j, 0), nabla = operand(`nabla_b${l}`, j, 0);
      return [old, ' − ', rate('η', 'eta'), DOT, nabla];
    },
    w: (l, j, k) => {
      const eta = rate('η', 'eta'), { lmbda } = rates;
      const decay = ['(1 − ', eta, DOT, rate('λ', 'lmbda'), ' / ', rate('n', 'n'), ')', DOT];
      const old = operand(`w${l}`, j, k), nabla = operand(`nabla_w${l}`, j, k);
      return [...(lmbda ? decay : []), old, ' − ', eta, DOT, nabla];
    },
  };
  return (name, j, k) => {
    const [quantity, layer] = split(name);
    return RULES[quantity](layer, j, k);
  };
}

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
