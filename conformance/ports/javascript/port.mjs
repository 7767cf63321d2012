// A port of the network to JavaScript: reads a recorded case, walks its steps, writes JSON.
//
//     node port.mjs CASE.safetensors OUT.json
//
// The format of a case is described in fixtures/README.md, what is written in ../README.md. Node
// alone. A float32 case is kept in Float32Arrays, which round every entry that is stored in them.
// Exit status 2 and one line on stderr if something is wrong with the input. PORT_BREAK=1 makes a
// known mistake.

import { readFileSync, writeFileSync } from 'node:fs';

const BROKEN = Boolean(process.env.PORT_BREAK);

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

// ---- the network: one step, equation by equation

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const sigmoidPrime = (z) => sigmoid(z) * (1 - sigmoid(z));
const xLnA = (x, a) => (x === 0 ? 0 : x * Math.log(a)); // 0 ln 0 is 0

const COSTS = {
  quadratic: {
    value: (a, y) => (a - y) ** 2 / 2,
    delta: (z, a, y) => (a - y) * sigmoidPrime(z),
  },
  'cross-entropy': {
    value: (a, y) => -(xLnA(y, a) + xLnA(1 - y, 1 - a)),
    delta: (z, a, y) => a - y,
  },
};

// `layers` is [{ w, b }, …] of the layers 2 to L; gives all quantities by their names.
function step({ cost, eta, lmbda, n }, layers, x, y) {
  const shown = {};
  const m = x.cols;
  const L = layers.length + 1;
  const activations = [x];

  layers.forEach(({ w, b }, index) => {
    const z = product(w, activations[index]);
    z.data.forEach((sum, e) => { z.data[e] = sum + b.data[Math.floor(e / m)]; }); // Z
    shown[`z${index + 2}`] = z;
    shown[`a${index + 2}`] = map(z, sigmoid); // A
    activations.push(shown[`a${index + 2}`]);
  });

  const a = activations[L - 1].data;
  const { value, delta } = COSTS[cost];
  shown.cost = a.reduce((sum, aj, e) => sum + value(aj, y.data[e]), 0) / m; // C
  shown[`delta${L}`] = map(shown[`z${L}`], (z, e) => delta(z, a[e], y.data[e])); // BP1
  for (let l = L - 1; l >= 2; l--) {
    const back = product(transposed(layers[l - 1].w), shown[`delta${l + 1}`]);
    const z = shown[`z${l}`].data;
    shown[`delta${l}`] = map(back, (error, e) => error * sigmoidPrime(z[e])); // BP2
  }

  layers.forEach(({ w, b }, index) => {
    const l = index + 2;
    const errors = shown[`delta${l}`];
    const sums = matrix(errors, errors.rows, 1, (j) =>
      errors.data.subarray(j * m, (j + 1) * m).reduce((sum, error) => sum + error, 0));
    const nablaB = map(sums, (sum) => sum / m); // BP3
    const nablaW = map(product(errors, transposed(activations[index])), (sum) => sum / m); // BP4
    const bNew = map(b, (bj, e) => bj - eta * nablaB.data[e]); // B
    const wNew = map(w, (wjk, e) => (1 - eta * lmbda / n) * wjk - eta * nablaW.data[e]); // W
    Object.assign(shown, { [`nabla_b${l}`]: nablaB, [`nabla_w${l}`]: nablaW });
    Object.assign(shown, { [`b${l}`]: BROKEN ? b : bNew, [`w${l}`]: wNew });
  });
  return shown;
}

// ---- the reader

function readCase(path) {
  const file = readFileSync(path);
  const length = file.length < 8 ? Infinity : Number(file.readBigUInt64LE(0));
  if (length > file.length - 8) throw new Error('not a safetensors file: its header is too long');
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  const description = JSON.parse(header.__metadata__?.case ?? '{}');
  if (description.schema_version !== 1) throw new Error('not a case of schema version 1');

  const fields = description.case;
  const types = { float64: [Float64Array, 'F64'], float32: [Float32Array, 'F32'] };
  const [Numbers, tag] = types[fields.dtype] ?? [];
  if (!tag) throw new Error(`no dtype ${fields.dtype}`);
  if (fields.activations || !COSTS[fields.cost]) {
    console.error('port: sigmoids with the quadratic cost or the cross-entropy alone');
    process.exit(77); // declined
  }

  // A matrix of so many rows and, if that is known, columns. The file is little-endian, as is
  // every machine that Node runs on today; the copy is there for the alignment.
  const tensor = (name, rows, cols) => {
    const { dtype, shape, data_offsets: range } = header[name] ?? {};
    if (dtype !== tag) throw new Error(`${name} is missing, or not ${tag}`);
    if (shape.length !== 2 || shape[0] !== rows || shape[1] !== (cols ?? shape[1]))
      throw new Error(`${name} has shape [${shape}], which should be [${rows}, ${cols ?? 'm'}]`);
    const bytes = new Uint8Array(file.subarray(8 + length + range[0], 8 + length + range[1]));
    if (bytes.length !== rows * shape[1] * Numbers.BYTES_PER_ELEMENT)
      throw new Error(`${name} is not where its data_offsets say`);
    return { rows, cols: shape[1], data: new Numbers(bytes.buffer) };
  };
  return { ...fields, has: (name) => name in header, tensor };
}

// ---- the writer: every number in as many digits as it takes, those that JSON has not as text

function written(shown) {
  const rows = ({ rows: count, cols, data }) => Array.from({ length: count }, (_, row) =>
    Array.from(data.subarray(row * cols, (row + 1) * cols)));
  const values = Object.entries(shown).map(([name, each]) => [name, each.data ? rows(each) : each]);
  return JSON.stringify(Object.fromEntries(values), (_, value) =>
    (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value));
}

// ---- the walk: every step from the recorded parameters, and then all of them from our own

function walk(given) {
  const { sizes, has, tensor } = given;
  const recorded = (at) => sizes.slice(1).map((n, index) => ({
    w: tensor(`${at}w${index + 2}`, n, sizes[index]),
    b: tensor(`${at}b${index + 2}`, n, 1),
  }));
  const all = {};
  for (const mode of ['', 'free/']) {
    let layers = recorded('');
    for (let t = 0; has(`${t}/x`); t++) {
      const x = tensor(`${t}/x`, sizes[0]);
      const shown = step(given, layers, x, tensor(`${t}/y`, sizes.at(-1), x.cols));
      for (const [name, each] of Object.entries(shown)) all[`${mode}${t}/${name}`] = each;
      const own = (_, index) => ({ w: shown[`w${index + 2}`], b: shown[`b${index + 2}`] });
      layers = mode ? layers.map(own) : recorded(`${t}/`);
    }
  }
  return all;
}

const [, , path, out] = process.argv;
try {
  if (process.argv.length !== 4) throw new Error('usage: node port.mjs CASE OUT');
  writeFileSync(out, written(walk(readCase(path))));
} catch (error) {
  console.error(`port: ${path ?? 'no case'}: ${error.message}`);
  process.exitCode = 2;
}
