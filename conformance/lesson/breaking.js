// A known mistake in the step: which numbers become wrong, and what the checker says of them.
//
// The numbers and verdicts come from the checker; they are of the step as it was at the start.

const broken = Object.entries(described.broken);
const START = 'bp2-no-sigma-prime';

function fillMistakes() {
  if (!broken.length) return;
  const group = (label, seen) => {
    const options = broken.filter(([, mistake]) => mistake.seen === seen)
      .map(([id]) => make('option', { value: id }, id));
    return options.length ? [make('optgroup', { label }, ...options)] : [];
  };
  const select = byId('mistake');
  select.append(...group('It shows in this network', true), ...group('It cannot be seen in this network', false));
  const shownFirst = described.broken[START]?.seen ? START : broken.find(([, { seen }]) => seen)?.[0];
  select.value = shownFirst ?? broken[0][0];
  select.addEventListener('change', showMistake);
}

// The wrong quantities of a mistake, each with its entry that is furthest off.
function comparedOf({ quantities }) {
  return Object.entries(quantities).map(([name, { status, problem, numbers }]) => {
    const right = state.first[name];
    const entries = numbers.flatMap((row, j) => row.map((number, k) => ({ j, k, number, right: right.at(j, k) })));
    const off = ({ number, right: r }) => (number === null ? Infinity : Math.abs(number - r) / (Math.abs(r) || 1));
    const worst = entries.sort((one, other) => off(other) - off(one))[0];
    return { name, status, problem, worst, row: rowOf(name) };
  });
}

function showMistake() {
  if (!broken.length || byId('breaking').hidden) return;
  const id = byId('mistake').value, mistake = described.broken[id];
  for (const each of document.querySelectorAll('.mistake')) each.hidden = each.dataset.id !== id;
  document.querySelectorAll('.mistake .hidden-by').forEach((each) => { each.hidden = mistake.seen; });
  const compared = comparedOf(mistake), blamed = compared.filter(({ status }) => status === 'fail');
  byId('verdict').replaceChildren(...verdictNodes(mistake, blamed));
  byId('says').replaceChildren(...saysNodes(mistake));
  byId('compared').replaceChildren(...(compared.length ? [tableOfCompared(compared)] : []));
  showCosts(mistake);
  show(viewOfMistake(mistake));
}

function verdictNodes({ seen }, blamed) {
  if (!seen) return [make('span', { className: 'badge explained' }, '–'), ' In this network every number is right: choose other sizes, samples or a cost to see it.'];
  const places = [...new Set(blamed.map(({ row }) => row.tag))].map((tag) => {
    const layers = blamed.filter(({ row }) => row.tag === tag).map(({ name }) => split(name)[1]).filter(Boolean);
    const at = layers.length ? ` at layer${layers.length > 1 ? 's' : ''} ${layers.join(' and ')}` : '';
    return `${tag} is wrong${at}`;
  });
  return [make('span', { className: 'badge fail' }, '✗'), ` The checker: ${places.join('; ')}.`];
}

function saysNodes({ says }) {
  if (!says.length) return [];
  const words = make('summary', {}, 'In its own words');
  return [make('details', {}, words, make('pre', { tabIndex: 0 }, says.join('\n')))];
}

const VERDICTS = { fail: ['✗', 'wrong'], explained: ['·', 'follows from it'] };

function tableOfCompared(compared) {
  const cell = (tag, ...content) => make(tag, {}, ...content);
  const head = make('tr', {}, ...['', 'right', 'with it', 'verdict'].map((text) => {
    const th = cell('th', text || make('span', { className: 'unseen' }, 'quantity'));
    th.scope = 'col';
    return th;
  }));
  const rows = compared.map(({ name, status, problem, worst, row }) => {
    const [sign, said] = VERDICTS[status];
    const table = tableOf(name), symbol = worst ? symbolOf(name, table, worst.j, worst.k) : word(name);
    const title = cell('th', make('span', { className: 'tag' }, row.tag), ' ', ...typeset(symbol));
    title.scope = 'row';
    const got = worst ? (worst.number === null ? 'not finite' : shown(worst.number)) : problem;
    return make('tr', { className: status }, title, cell('td', worst ? shown(worst.right) : ''), cell('td', got),
      cell('td', make('span', { className: `sign ${status}` }, sign), ' ', make('span', { className: 'said' }, said)));
  });
  const caption = make('caption', {}, 'Of each quantity, the entry that is furthest off');
  return make('table', {}, caption, make('thead', {}, head), make('tbody', {}, ...rows));
}


// ---- the cost in training, right and with the mistake

const DONE = 0.01; // of the first cost: from there on nothing is to be seen

function showCosts({ seen, costs }) {
  const right = seen ? trainingCosts(Math.max(costs.length, 2)) : [];
  const low = right.findIndex((cost, i) => cost < DONE * right[0] && !(costs[i] >= DONE * right[0]));
  const length = low < 0 ? right.length : Math.max(low + 1, 5);
  byId('broken-costs').replaceChildren(...(seen ? chartOfCosts(right.slice(0, length), costs.slice(0, length)) : []));
  byId('lesson-of-costs').textContent = seen ? lessonOfCosts(right[0], costs) : '';
}

function lessonOfCosts(first, costs) {
  if (costs.length < 2) return 'With the mistake the program stops after one step.';
  const late = costs.slice(-Math.ceil(costs.length / 4)); // it may go up and down
  if (late.some((cost) => cost === null || cost > first)) return 'With the mistake the cost does not stay below where it began.';
  if (late.some((cost) => cost > 0.5 * first)) return 'With the mistake the cost hardly falls.';
  return 'The cost falls with the mistake too: whoever sees only the cost does not see the mistake.';
}

function chartOfCosts(right, costs) {
  const points = (all) => all.map((cost, i) => [i, cost ?? NaN]);
  return chart({
    name: `The cost over ${right.length - 1} steps: from ${written(right[0], 3)} to ${written(right.at(-1), 3)} without the mistake, to ${costs.at(-1) == null ? 'no number' : written(costs.at(-1), 3)} with it`,
    titles: [['step'], ['C, the true cost']],
    x: [0, right.length - 1],
    y: around([0, ...right, ...costs.filter((cost) => cost !== null)], { least: Math.min(0, ...costs) }),
    lines: [{ points: points(right), kind: 'cost' }, { points: points(costs), kind: 'mistaken' }],
    legend: [['cost', ['right']], ['mistaken', ['with the mistake']]],
  });
}

function viewOfMistake({ quantities }) {
  const statusOf = (name, j, k) => {
    const found = quantities[name], right = state.first[name];
    if (!found) return null;
    const number = found.numbers[j]?.[k], off = number == null || Math.abs(number - right.at(j, k)) > 1e-7 * Math.abs(right.at(j, k));
    return off ? { kind: found.status, number: number ?? NaN } : null;
  };
  const worstOf = (all) => all.find((each) => each?.kind === 'fail') ?? all.find(Boolean) ?? null;
  const s = sampleDrawn;
  return {
    lines: '∂C/∂w',
    legend: ['✗ or filled: wrong; dashed circle: follows from it'],
    neuron(layer, j) {
      if (layer === 1) return { symbol: symbolOf('x', state.given.x, j, s), number: firstGiven('x', j, s) };
      const names = ['delta', 'a', 'z'].map((quantity) => `${quantity}${layer}`);
      const found = worstOf(names.map((name) => statusOf(name, j, s)));
      const name = names.find((each) => statusOf(each, j, s)?.kind === found?.kind) ?? names[0];
      const bias = worstOf([`nabla_b${layer}`, `b${layer}`].map((each) => statusOf(each, j, 0)));
      return {
        symbol: symbolOf(name, state.first[name], j, s), number: statusOf(name, j, s)?.number ?? state.first[name].at(j, s),
        kinds: [found?.kind ?? bias?.kind ?? ''],
      };
    },
    edge(l, j, k) {
      const found = worstOf([`nabla_w${l}`, `w${l}`].map((name) => statusOf(name, j, k)));
      return { number: statusOf(`nabla_w${l}`, j, k)?.number ?? state.first[`nabla_w${l}`].at(j, k), kinds: [found?.kind ?? ''], label: found?.kind === 'fail' ? '✗' : undefined };
    },
    cost: { number: statusOf('cost', 0, 0)?.number ?? state.first.cost.at(0, 0), kinds: [statusOf('cost', 0, 0)?.kind ?? ''] },
  };
}

// A number that was given, as it was at the start.
function firstGiven(name, j, k) {
  const key = keyOf(name, j, k);
  return state.changed.get(key) ?? valueOf(key);
}
