// The test of the port, as in fixtures/README.md, on the package of the recorded cases:
//
//     conformance fixtures export --package npm fixtures && npm install --offline && npm test

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cases, read } from 'backprop-fixtures';
import { ACTIVATIONS, COSTS, step } from './network.mjs';

const written = ({ activations, cost, update }) =>
  update === 'sgd' && Object.hasOwn(COSTS, cost) && activations.every((name) => Object.hasOwn(ACTIVATIONS, name));
const known = cases().filter(written); // a case that is not written here is left out

test('something is compared', () => assert.ok(known.length > 0));

for (const given of known) {
  const tensors = read(given.id);
  const Numbers = given.dtype === 'float32' ? Float32Array : Float64Array;
  const matrix = ({ shape: [rows, cols], data }) => ({ rows, cols, data: Numbers.from(data) });
  const parameters = (at) => given.sizes.slice(1).map((_, index) => ({
    w: matrix(tensors[`${at}w${index + 2}`]),
    b: matrix(tensors[`${at}b${index + 2}`]),
  }));

  given.batches.forEach((_, t) => test(`${given.id}, step ${t}`, () => {
    const start = parameters(t > 0 ? `${t - 1}/` : '');
    const shown = step(given, start, matrix(tensors[`${t}/x`]), matrix(tensors[`${t}/y`]));
    for (const name of given.quantities) {
      const { shape, data } = tensors[`${t}/${name}`];
      const yours = shown[name].data ?? [shown[name]]; // the cost is a number
      const rightShape = shape.length === 0 || String(shape) === `${shown[name].rows},${shown[name].cols}`;
      assert.ok(rightShape, `${name} has a wrong shape`);
      const bound = tensors[`bound/${t}/${name}`].data;
      data.forEach((right, e) => assert.ok(
        Math.abs(yours[e] - right) <= bound[e], // which NaN is not
        `${name}[${e}] is ${yours[e]}, right is ${right}`));
    }
  }));
}
