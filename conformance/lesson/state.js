// The network as it stands in the page: what was given, what has been changed, what follows.

const described = JSON.parse(document.getElementById('numbers').textContent);

function decoded({ rows, cols, base64 }) { // little-endian, as is every machine with a browser
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Table(rows, cols, new Float64Array(bytes.buffer));
}

const state = {
  layers: described.sizes.length,
  rates: { ...described.rates },
  given: Object.fromEntries(
    Object.entries(described.given).map(([name, table]) => [name, decoded(table)])),
  changed: new Map(), // the key of each changed number, and what it was
  pick: { ...described.pick }, // in a large network: the sample, and j and k of each layer
};

function recompute() {
  state.made = step(described.table, state.given, state.rates);
  state.first ??= state.made; // as it was before any change
}

const scopeOf = (made) =>
  new Scope(described.table.functions, state.given, made, state.rates);

// Quantity, first and second index of a key.
function parts(key) {
  const [, name, j, k] = key.match(/^([^:]*):?(\d*),?(\d*)$/);
  return [name, Number(j), Number(k)];
}

// The number with this key, wherever it stands.
function valueOf(key, made = state.made) {
  const [name, j, k] = parts(key);
  if (name in RATES) return state.rates[name];
  if (name.startsWith('prime'))
    return scopeOf(made).entry(name)(j, k);
  if (name.endsWith('+')) return made[name.slice(0, -1)].at(j, k);
  return (state.given[name] ?? made[name]).at(j, k);
}

// The keys of all numbers of which this one was made, each once; what was given is made of none.
function sourcesOf(key) {
  const [name, j, k] = parts(key);
  if (name in RATES || name in state.given) return [];
  const pieces = formulaOf(name.replace('+', ''), j, k);
  return [...new Set(operandsOf(pieces).map((operand) => operand.key))];
}

function put(key, value) {
  const [name, j, k] = parts(key);
  if (name in RATES) state.rates[name] = value;
  else state.given[name].data[j * state.given[name].cols + k] = value;
}

// Give a number another value; everything that follows from it is computed again.
function change(key, value) {
  const was = state.changed.has(key) ? state.changed.get(key) : valueOf(key);
  if (Object.is(value, was)) state.changed.delete(key);
  else state.changed.set(key, was);
  put(key, value);
  recompute();
}

function reset() {
  for (const [key, was] of state.changed) put(key, was);
  state.changed.clear();
  recompute();
}

// In a large network, the entry that stands for a quantity.
function picked(name) {
  const [quantity, layer] = split(name);
  const { s, j, k } = state.pick;
  if (quantity === 'cost') return [0, 0];
  if (/w$/.test(quantity)) return [j[layer], k[layer]];
  return [j[layer], /b$/.test(quantity) ? 0 : s];
}

// What a test may ask: every quantity as rows of numbers.
function quantities() {
  return Object.fromEntries(Object.entries(state.made).map(([name, { rows, cols, data }]) =>
    [name, Array.from({ length: rows }, (_, j) => [...data.subarray(j * cols, (j + 1) * cols)])]));
}
