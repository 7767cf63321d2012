// A port of the network to JavaScript: reads a recorded case, walks its steps, writes JSON.
//
//     node port.mjs CASE.safetensors OUT.json
//
// The format of a case is described in fixtures/README.md, what is written in ../README.md. Node
// alone; the network is in network.mjs. Exit status 2 and one line on stderr if something is wrong with
// the input, 77 if the case has an activation, a cost or an update that is not written here. PORT_BREAK=1 makes a
// known mistake.

import { readFileSync, writeFileSync } from 'node:fs';
import { ACTIVATIONS, COSTS, step } from './network.mjs';

// ---- the reader

function decline(name) {
  console.error(`port: ${name} is not written here`);
  process.exit(77);
}

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
  const activations = fields.activations ?? fields.sizes.slice(1).map(() => 'sigmoid');
  const known = [...activations.map((f) => [ACTIVATIONS, f]), [COSTS, fields.cost]];
  if (fields.update) decline(fields.update); // another than the book's
  for (const [table, name] of known) if (!Object.hasOwn(table, name)) decline(name);

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
  return { ...fields, activations, has: (name) => name in header, tensor };
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
