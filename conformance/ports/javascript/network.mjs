// The network: one step of gradient descent, equation by equation.
//
// `j` and `k` count neurons, `i` counts samples. What is kept in a Float32Array is rounded to float32
// with every entry that is stored. PORT_BREAK=1 makes a known mistake.

const BROKEN = Boolean(globalThis.process?.env.PORT_BREAK);

// ---- matrices: { rows, cols, data }, row-major; a column is a sample

function matrix(like, rows, cols, entry) {
  const data = new like.data.constructor(rows * cols);
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) data[row * cols + col] = entry(row, col);
  return { rows, cols, data };
}

const map = ({ rows, cols, data }, f) => ({ rows, cols, data: data.map(f) });

const transposed = (a) => matrix(a, a.cols, a.rows, (row, col) => a.data[col * a.cols + row]);

function product(a, b) {
  return matrix(a, a.rows, b.cols, (row, col) => {
    let sum = 0;
    for (let k = 0; k < a.cols; k++) sum += a.data[row * a.cols + k] * b.data[k * b.cols + col];
    return sum;
  });
}

// ---- what a network is made of

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// The neurons of a sample, a column, share one sum; its largest z is taken off, so that none is infinite.
function softmax(z) {
  const columns = Array.from({ length: z.cols }, (_, i) => {
    const column = Array.from({ length: z.rows }, (__, j) => z.data[j * z.cols + i]);
    const powers = column.map((zj) => Math.exp(zj - Math.max(...column)));
    return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
  });
  return matrix(z, z.rows, z.cols, (j, i) => columns[i][j]);
}

const neuronByNeuron = (f, prime) => ({ layer: (z) => map(z, f), prime });

// a = f(z) of a layer, and f′(z) of a neuron; softmax has none, and stands at the output alone.
export const ACTIVATIONS = {
  sigmoid: neuronByNeuron(sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))),
  tanh: neuronByNeuron(Math.tanh, (z) => 1 - Math.tanh(z) ** 2),
  relu: neuronByNeuron((z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)),
  'leaky-relu': neuronByNeuron((z) => (z > 0 ? z : 0.01 * z), (z) => (z > 0 ? 1 : 0.01)),
  linear: neuronByNeuron((z) => z, () => 1),
  softmax: { layer: softmax },
};

const xLnA = (x, a) => (x === 0 ? 0 : x * Math.log(a)); // 0 ln 0 is 0

// C_x of an output, and δ^L, of which f′(z^L) is a factor or not.
export const COSTS = {
  quadratic: {
    value: (a, y) => (a - y) ** 2 / 2,
    delta: (a, y, prime) => (a - y) * prime(),
  },
  'cross-entropy': {
    value: (a, y) => -(xLnA(y, a) + xLnA(1 - y, 1 - a)),
    delta: (a, y) => a - y,
  },
  'log-likelihood': {
    value: (a, y) => -xLnA(y, a),
    delta: (a, y) => a - y,
  },
};

// ---- one step

// `net` has `activations` of the layers 2 to L, `cost`, `eta`, `lmbda` and `n`; `layers` is
// [{ w, b }, …] of the layers 2 to L. Gives all quantities by their names.
export function step(net, layers, x, y) {
  const shown = {};
  const m = x.cols;
  const L = layers.length + 1;
  const f = (l) => ACTIVATIONS[net.activations[l - 2]];
  const below = (l) => (l === 2 ? x : shown[`a${l - 1}`]);

  layers.forEach(({ w, b }, index) => {
    const l = index + 2;
    const z = product(w, below(l));
    z.data.forEach((sum, e) => { z.data[e] = sum + b.data[Math.floor(e / m)]; }); // Z
    Object.assign(shown, { [`z${l}`]: z, [`a${l}`]: f(l).layer(z) }); // A
  });

  const a = shown[`a${L}`].data;
  const cost = COSTS[net.cost];
  shown.cost = a.reduce((sum, aj, e) => sum + cost.value(aj, y.data[e]), 0) / m; // C
  shown[`delta${L}`] = map(shown[`z${L}`], (z, e) =>
    cost.delta(a[e], y.data[e], () => f(L).prime(z))); // BP1
  for (let l = L - 1; l >= 2; l--) {
    const back = product(transposed(layers[l - 1].w), shown[`delta${l + 1}`]);
    const z = shown[`z${l}`].data;
    shown[`delta${l}`] = map(back, (error, e) => error * f(l).prime(z[e])); // BP2
  }

  layers.forEach(({ w, b }, index) => {
    const l = index + 2;
    const errors = shown[`delta${l}`];
    const sums = matrix(errors, errors.rows, 1, (j) =>
      errors.data.subarray(j * m, (j + 1) * m).reduce((sum, error) => sum + error, 0));
    const nablaB = map(sums, (sum) => sum / m); // BP3
    const nablaW = map(product(errors, transposed(below(l))), (sum) => sum / m); // BP4
    const bNew = map(b, (bj, e) => bj - net.eta * nablaB.data[e]); // B
    const keep = 1 - net.eta * net.lmbda / net.n;
    const wNew = map(w, (wjk, e) => keep * wjk - net.eta * nablaW.data[e]); // W
    Object.assign(shown, { [`nabla_b${l}`]: nablaB, [`nabla_w${l}`]: nablaW });
    Object.assign(shown, { [`b${l}`]: BROKEN ? b : bNew, [`w${l}`]: wNew });
  });
  return shown;
}
