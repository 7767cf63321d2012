// Why each factor of a step is there: the sentence, and the chain rule with its numbers.
//
// Both stand in the table, made by Python: a sentence in which {z} is the entry at hand and {a-1}
// one of the layer below, and the derivatives along a path to the cost, each with its value.

// Where a quantity of a sentence or a derivative stands: its name, and its indices in this step.
//
// `path` is the neuron of the layer above through which the path goes; `sample` that of all that is
// of one sample.
function placed(token, step, path = 0, sample = step.sample ?? sampleDrawn) {
  const [, quantity, offset] = token.match(/^([a-z]+)([+-]\d)?$/);
  if (quantity === 'cost') return ['cost', 0, 0];
  const by = Number(offset ?? 0), layer = step.layer + by;
  const name = quantity === 'a' && layer === 1 ? 'x' : `${quantity}${layer}`;
  const below = step.weight ? step.k : 0;
  const j = by > 0 ? path : by < 0 ? below : step.j;
  if (quantity === 'w') return [name, j, by > 0 ? step.j : below];
  return [name, j, quantity === 'b' ? 0 : sample];
}

function tableOf(name) {
  return scopeOf(state.made).table(name);
}

function symbolAt(token, step, path, sample) {
  const [name, j, k] = placed(token, step, path, sample);
  return symbolOf(name, tableOf(name), j, k);
}

// The cost of one sample, where there are several: δ is ∂C/∂z of that sample.
function costOf(step, sample = step.sample ?? sampleDrawn) {
  return state.given.x.cols > 1 ? `C[${sample}]` : 'C';
}

// What stands for the words in braces; the other ones are symbols.
function wordsFor(token, step) {
  const m = state.given.x.cols;
  switch (token) {
    case 'j': return String(step.j);
    case 'l': case 'l+1': case 'l-1':
      return String(step.layer + ({ 'l+1': 1, 'l-1': -1 }[token] ?? 0));
    case 'f': return described.table.functions[step.layer].symbol;
    case 'mean': return m === 1 ? '' : ` Of the ${m} samples the mean is taken.`;
    default: return null;
  }
}

const whyOf = (step) => (step.slope ? step.row.why_slope : step.row.why);

// A sentence as pairs of a text and whether it is a symbol.
function sentenceOf(text, step, path) {
  return text.split(/\{([^}]*)\}/).map((part, i) => {
    if (i % 2 === 0) return [part, false];
    const word = wordsFor(part, step);
    return word === null ? [symbolAt(part, step, path), true] : [word, false];
  });
}

const sentenceNodes = (text, step, path) => sentenceOf(text, step, path)
  .flatMap(([part, symbol]) => (symbol ? typeset(part) : [part]));

const sentenceAloud = (text, step) =>
  sentenceOf(text, step).map(([part, symbol]) => (symbol ? aloud(part) : part)).join('');

// ---- the chain rule

const MOST_PATHS = 3; // that are shown one by one

const aboveOf = (step) => described.sizes[step.layer] ?? 1;

// The factors along the paths: those of each path first, then those that all paths share.
function factorsOf(step) {
  if (step.slope) return [];
  const parallel = (factor) => /\+1/.test(factor.top + factor.bottom);
  const { factors } = step.row, each = factors.filter(parallel);
  const paths = each.length ? Math.min(aboveOf(step), MOST_PATHS) : 0;
  const first = Array.from({ length: paths }, (_, path) =>
    each.map((factor) => ({ ...factor, path })));
  return [...first.flat(), ...factors.filter((factor) => !parallel(factor))];
}

// The value of a factor, as pieces of its own formula.
function valueOfFactor(factor, step) {
  const [, i] = placed(factor.top, step, factor.path);
  const [, j, k] = placed(factor.bottom, step, factor.path);
  const scope = scopeOf(state.made);
  const along = typeof factor.tree === 'string' && split(factor.tree)[0] === 'w';
  const at = factor.bottom === 'w' ? [k, sampleDrawn]
    : along ? [i, j] : [j, step.sample ?? sampleDrawn];
  const pieces = new Entry(scope).written(factor.tree, ...at)[0];
  return [pieces, scope.entry(factor.tree)(...at)];
}

function derivativeOf({ top, bottom, path }, step, sample) {
  const above = top === 'cost' ? costOf(step, sample) : symbolAt(top, step, path, sample);
  return derivative(above, symbolAt(bottom, step, path, sample));
}

// What the step is a derivative of: ∂C/∂z, ∂C/∂w, ∂C/∂b, and a slope ∂a/∂z.
const DERIVATIVES = {
  delta: ['cost', 'z'], nabla_w: ['cost', 'w'], nabla_b: ['cost', 'b'], prime: ['a', 'z'],
};

// ∂C/∂z = Σ ∂C/∂z · ∂z/∂a · ∂a/∂z, as MathML; null of a step that is no derivative.
function chainOf(step) {
  const whole = DERIVATIVES[step.quantity];
  if (!whole) return null;
  const operator = (text) => mathElement('mo', {}, text);
  const mean = step.quantity.startsWith('nabla') && state.given.x.cols > 1;
  const left = derivative(...whole.map((token) =>
    (token === 'cost' && !mean ? costOf(step) : symbolAt(token, step))));
  if (step.slope) return math(left, operator('='), ...typeset(step.symbol).flatMap(unwrapped));
  const { factors } = step.row;
  if (!factors.length) return null;
  const several = factors.some(({ top }) => top === 'z+1') && aboveOf(step) > 1;
  const sumOver = (letter) => mathElement('msub', {}, operator('∑'), mathElement('mi', {}, letter));
  const number = (text) => mathElement('mn', {}, text);
  const one = mathElement('mfrac', {}, number('1'), number(state.given.x.cols));
  const sample = mean ? 's' : undefined, path = several ? 'i' : 0;
  const product = factors.flatMap((factor) =>
    [operator('·'), derivativeOf({ ...factor, path }, step, sample)]);
  return math(left, operator('='), ...(mean ? [one, sumOver('s')] : []),
    ...(several ? [sumOver('i')] : []), ...product.slice(1));
}

// The content of a <math>, to stand in another; a text as an operator.
const unwrapped = (node) =>
  (typeof node === 'string' ? [mathElement('mo', {}, node)] : [...node.childNodes]);
