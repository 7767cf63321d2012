// The recorded cases: `cases()` lists them, `read(id)` gives the numbers of one.

import { readFileSync } from 'node:fs';

const file = (name) => readFileSync(new URL(name, import.meta.url));
const index = JSON.parse(file('cases.json').toString('utf8'));
const raw = file('cases.bin');
const bytes = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);

if (index.schema_version !== 1) throw new Error(`schema version ${index.schema_version}, not 1`);

/** The version of the corpus, which is that of this package. */
export const version = index.version;

/** Every case, without its numbers. */
export function cases() {
  return structuredClone(index.cases.map(({ offset, tensors, ...described }) => described));
}

/** The tensors of a case by their names, in the order of the specification. */
export function read(id) {
  const found = index.cases.find((each) => each.id === id);
  if (!found) throw new RangeError(`there is no case ${id}`);
  const width = found.dtype === 'float32' ? 4 : 8;
  const one = (at) => (width === 4 ? bytes.getFloat32(at, true) : bytes.getFloat64(at, true));
  const tensors = {};
  let at = found.offset;
  const add = (name, shape) => {
    const data = new Float64Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < data.length; i++, at += width) data[i] = one(at);
    tensors[name] = { shape: [...shape], data };
  };
  for (const [name, shape, tolerance] of found.tensors) {
    add(name, shape);
    if (tolerance) add(`bound/${name}`, shape);
  }
  return tensors;
}
