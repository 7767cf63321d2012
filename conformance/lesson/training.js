// Many steps of descent on the same mini-batch: the cost falls, and the weights move.

const MOST_STEPS = 300, PACE = 60; // milliseconds a step
let training = null;

const mapped = (tables, of) =>
  Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, of(table, name)]));

const copied = (given) =>
  mapped(given, ({ rows, cols, data }) => new Table(rows, cols, data.slice()));

// What is given after a step: the parameters that it made in the place of those before it.
const after = (given, made) => mapped(given, (table, name) => made[name] ?? table);

function startTraining() {
  training = { given: copied(state.given), costs: [], rates: { ...state.rates, eta: rateNow() } };
  training.made = step(described.table, training.given, training.rates);
  training.costs.push(training.made.cost.at(0, 0));
}

function trainOnce() {
  training.rates.eta = rateNow();
  training.made = step(described.table, training.given, training.rates);
  training.given = after(training.given, training.made);
  training.made = step(described.table, training.given, training.rates);
  training.costs.push(training.made.cost.at(0, 0));
}

// The costs before each of so many right steps from what was given at the start.
function trainingCosts(count) {
  let given = copied(state.given);
  for (const [key, was] of state.changed) {
    const [name, j, k] = parts(key);
    if (name in given) given[name].data[j * given[name].cols + k] = was;
  }
  return Array.from({ length: count }, () => {
    const made = step(described.table, given, described.rates);
    given = after(given, made);
    return made.cost.at(0, 0);
  });
}

const rateNow = () => Number((10 ** Number(byId('rate').value)).toPrecision(2));

function showTraining({ say = true } = {}) {
  if (byId('training').hidden) return;
  if (!training) startTraining();
  const { costs, made, given } = training, taken = costs.length - 1, last = costs.at(-1);
  byId('rate-value').textContent = shown(rateNow());
  byId('rate').setAttribute('aria-valuetext', written(rateNow()));
  const points = costs.map((cost, i) => [i, cost]);
  byId('costs').replaceChildren(...chart({
    name: `The cost over ${taken} steps, from ${written(costs[0], 4)} to ${written(last, 4)}`,
    titles: [['step'], ['C, the cost']],
    x: [0, Math.max(10, taken)],
    y: around([0, ...costs], { least: Math.min(0, ...costs) }),
    lines: [{ points, kind: 'cost' }],
    marks: [{ at: points.at(-1), kind: 'now' }],
  }));
  const after_ = `After ${taken} step${taken > 1 ? 's' : ''} the cost is ${shown(last, 4)}`;
  const said = taken ? `${after_}; it was ${shown(costs[0], 4)}.`
    : `The cost is ${shown(last, 4)} before the first step.`;
  if (say) byId('trained').textContent = said;
  setIdle('train-reset', taken === 0);
  show({
    said,
    neuron: (layer, j) => {
      const name = layer === 1 ? 'x' : `a${layer}`, table = layer === 1 ? given.x : made[name];
      const out = layer === state.layers && ['y', given.y];
      return {
        symbol: symbolOf(name, table, j, sampleDrawn), number: table.at(j, sampleDrawn),
        note: out ? [symbolOf(...out, j, sampleDrawn), given.y.at(j, sampleDrawn)] : undefined,
      };
    },
    edge: (l, j, k) => ({ number: given[`w${l}`].at(j, k) }),
    cost: { number: last, kinds: ['source'] },
  });
}

const run = player(byId('train-play'), ['Run', 'Pause'], () => {
  trainOnce();
  const { costs } = training;
  const more = costs.length % 100 !== 0 && costs.length < MOST_STEPS && Number.isFinite(costs.at(-1));
  showTraining({ say: !more });
  return more ? PACE : 0;
});

byId('train-one').addEventListener('click', () => {
  run.stop();
  trainOnce();
  showTraining();
});
byId('train-reset').addEventListener('click', () => {
  run.stop();
  startTraining();
  showTraining();
});
byId('rate').addEventListener('input', () => showTraining());
