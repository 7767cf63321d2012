// The network: one step of gradient descent, entry by entry as the equations say it.
//
// Written from the equations of the book and judged by the recorded cases, as every port is.
// Layers have the book's numbers, the input being layer 1; a sample is a column; entries are
// counted from 0.

// A table of numbers, rows × cols, which is what every quantity is.
class Table {
  constructor(rows, cols, data) {
    Object.assign(this, { rows, cols, data: data ?? new Float64Array(rows * cols) });
  }

  static of(rows, cols, entry) {
    const table = new Table(rows, cols);
    for (let j = 0; j < rows; j++)
      for (let k = 0; k < cols; k++) table.data[j * cols + k] = entry(j, k);
    return table;
  }

  at(j, k) {
    return this.data[j * this.cols + k];
  }
}

function sum(count, term) {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

const sigma = (z) => 1 / (1 + Math.exp(-z));
const sigmaPrime = (z) => sigma(z) * (1 - sigma(z));
const timesLn = (y, a) => (y === 0 ? 0 : y * Math.log(a)); // 0 ln 0 is 0

// A cost: that of one output neuron and one sample, and the error δ that follows from it.
const COSTS = {
  quadratic: {
    of: (a, y) => (a - y) ** 2 / 2,
    error: (a, y, z) => (a - y) * sigmaPrime(z),
  },
  'cross-entropy': {
    of: (a, y) => -timesLn(y, a) - timesLn(1 - y, 1 - a),
    error: (a, y) => a - y,
  },
};

// All quantities of a step by their names, such as z2 and nabla_w3; b2, w2 … are the updated ones.
//
// `given` holds x, y, and b2, w2 … before the step; `rates` holds cost, eta, lmbda and n.
function step(layers, given, { cost, eta, lmbda, n }) {
  const { x, y } = given;
  const m = x.cols;
  const made = {};
  const a = (l) => (l === 1 ? x : made[`a${l}`]);

  for (let l = 2; l <= layers; l++) {
    const w = given[`w${l}`], b = given[`b${l}`];
    const z = Table.of(w.rows, m, (j, s) => // Z
      sum(w.cols, (k) => w.at(j, k) * a(l - 1).at(k, s)) + b.at(j, 0));
    made[`z${l}`] = z;
    made[`a${l}`] = Table.of(z.rows, m, (j, s) => sigma(z.at(j, s))); // A
  }

  const output = a(layers), z = made[`z${layers}`];
  made.cost = Table.of(1, 1, () => // C
    sum(y.rows, (j) => sum(m, (s) => COSTS[cost].of(output.at(j, s), y.at(j, s)))) / m);
  made[`delta${layers}`] = Table.of(y.rows, m, (j, s) => // BP1
    COSTS[cost].error(output.at(j, s), y.at(j, s), z.at(j, s)));
  for (let l = layers - 1; l >= 2; l--) made[`delta${l}`] = hiddenError(l, given, made); // BP2

  for (let l = 2; l <= layers; l++) {
    const w = given[`w${l}`], b = given[`b${l}`];
    const delta = made[`delta${l}`], below = a(l - 1);
    const nablaB = Table.of(b.rows, 1, (j) => sum(m, (s) => delta.at(j, s)) / m); // BP3
    const nablaW = Table.of(w.rows, w.cols, (j, k) => // BP4
      sum(m, (s) => delta.at(j, s) * below.at(k, s)) / m);
    made[`nabla_b${l}`] = nablaB;
    made[`nabla_w${l}`] = nablaW;
    made[`b${l}`] = Table.of(b.rows, 1, (j) => b.at(j, 0) - eta * nablaB.at(j, 0)); // B
    made[`w${l}`] = Table.of(w.rows, w.cols, (j, k) => // W
      (1 - eta * lmbda / n) * w.at(j, k) - eta * nablaW.at(j, k));
  }
  return made;
}

function hiddenError(l, given, made) {
  const w = given[`w${l + 1}`], delta = made[`delta${l + 1}`], z = made[`z${l}`];
  return Table.of(z.rows, z.cols, (j, s) =>
    sum(w.rows, (i) => w.at(i, j) * delta.at(i, s)) * sigmaPrime(z.at(j, s)));
}
