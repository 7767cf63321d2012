// A known mistake in the step: which numbers become wrong, and what the checker says of them.
//
// The numbers and verdicts come from the checker; they are of the step as it was at the start.

const broken = Object.entries(described.broken);
const START = 'bp2-no-sigma-prime';
const SAME = 1e-7; // two numbers nearer than this, relatively, are shown alike

function fillMistakes() {
  if (!broken.length) return;
  const group = (label, seen) => {
    const options = broken.filter(([, mistake]) => mistake.seen === seen)
      .map(([id]) => make('option', { value: id }, id));
    return options.length ? [make('optgroup', { label }, ...options)] : [];
  };
  const select = byId('mistake');
  select.append(
    ...group('It shows in this network', true),
    ...group('It cannot be seen in this network', false));
  const first = broken.find(([, { seen }]) => seen) ?? broken[0];
  select.value = described.broken[START]?.seen ? START : first[0];
  select.addEventListener('change', showMistake);
}

// The wrong quantities of a mistake, each with its entry that is furthest off.
function comparedOf({ quantities }) {
  const off = ({ number, right }) =>
    (number === null ? Infinity : Math.abs(number - right) / (Math.abs(right) || 1));
  return Object.entries(quantities).map(([name, { status, problem, numbers }]) => {
    const right = state.first[name];
    const entries = numbers.flatMap((row, j) =>
      row.map((number, k) => ({ j, k, number, right: right.at(j, k) })));
    const [worst] = entries.sort((one, other) => off(other) - off(one));
    return { name, status, problem, worst, row: rowOf(name) };
  });
}

function showMistake() {
  if (!broken.length || byId('breaking').hidden) return;
  const id = byId('mistake').value, mistake = described.broken[id];
  for (const each of document.querySelectorAll('.mistake')) each.hidden = each.dataset.id !== id;
  for (const each of document.querySelectorAll('.hidden-by')) each.hidden = mistake.seen;
  const compared = comparedOf(mistake);
  byId('verdict').replaceChildren(...verdictNodes(compared));
  byId('says').replaceChildren(...saysNodes(mistake));
  byId('compared').replaceChildren(...(compared.length ? [tableOfCompared(compared)] : []));
  showCosts(mistake);
  show(viewOfMistake(mistake));
}

function verdictNodes(compared) {
  const blamed = compared.filter(({ status }) => status === 'fail');
  if (!blamed.length) {
    return [make('span', { className: 'badge explained' }, '–'),
      ' Every number is right: choose other sizes, samples or a cost to see the mistake.'];
  }
  const places = [...grouped(blamed, ({ row }) => row.tag)].map(([tag, all]) => {
    const layers = all.map(({ name }) => split(name)[1]).filter(Boolean);
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
  const cell = (...content) => make('td', {}, ...content);
  const head = ['quantity', 'right', 'with it', 'verdict'].map((text) =>
    make('th', { scope: 'col' }, text));
  const rows = compared.map(({ name, status, problem, worst, row }) => {
    const [sign, said] = VERDICTS[status];
    const symbol = worst ? symbolOf(name, tableOf(name), worst.j, worst.k) : word(name);
    const title = [make('span', { className: 'tag' }, row.tag), ' ', ...typeset(symbol)];
    return make('tr', { className: status },
      make('th', { scope: 'row' }, ...title),
      cell(worst ? shown(worst.right) : ''),
      cell(!worst ? problem : worst.number === null ? 'not finite' : shown(worst.number)),
      cell(make('span', { className: `sign ${status}` }, sign), ' ',
        make('span', { className: 'said' }, said)));
  });
  const caption = make('caption', {}, 'Of each quantity, the entry that is furthest off');
  const body = make('tbody', {}, ...rows);
  return make('table', {}, caption, make('thead', {}, make('tr', {}, ...head)), body);
}

// ---- the cost in training, right and with the mistake

const DONE = 0.01; // of the first cost: from there on nothing is to be seen

function showCosts({ seen, costs }) {
  const right = seen ? trainingCosts(Math.max(costs.length, 2)) : [];
  const done = (cost) => cost < DONE * right[0];
  const low = right.findIndex((cost, i) => done(cost) && (costs[i] === undefined || done(costs[i])));
  const length = low < 0 ? right.length : Math.max(low + 1, 5);
  const drawn_ = seen ? chartOfCosts(right.slice(0, length), costs.slice(0, length)) : [];
  byId('broken-costs').replaceChildren(...drawn_);
  byId('lesson-of-costs').textContent = seen ? lessonOfCosts(right[0], costs) : '';
}

function lessonOfCosts(first, costs) {
  if (costs.length < 2) return 'With the mistake the program stops after one step.';
  const late = costs.slice(-Math.ceil(costs.length / 4)); // it may go up and down
  if (late.some((cost) => cost === null || cost > first))
    return 'With the mistake the cost does not stay below where it began.';
  if (late.some((cost) => cost > 0.5 * first)) return 'With the mistake the cost hardly falls.';
  return 'The cost falls with the mistake too: the cost alone does not show it.';
}

function chartOfCosts(right, costs) {
  const points = (all) => all.map((cost, i) => [i, cost ?? NaN]);
  const last = costs.at(-1) ?? NaN, finite = costs.filter((cost) => cost !== null);
  return chart({
    name: `The cost over ${right.length - 1} steps from ${written(right[0], 3)}: `
      + `${written(right.at(-1), 3)} without the mistake, ${written(last, 3)} with it`,
    titles: [['step'], ['C, the true cost']],
    x: [0, right.length - 1],
    y: around([0, ...right, ...finite], { least: Math.min(0, ...finite) }),
    lines: [{ points: points(right), kind: 'cost' }, { points: points(costs), kind: 'mistaken' }],
    legend: [['cost', ['right']], ['mistaken', ['with the mistake']]],
  });
}

// ---- the drawing

// What a mistake makes of a number: the wrong one and its verdict, or the right one.
function mistakenAt({ quantities }, name, j, k) {
  const right = state.first[name].at(j, k), found = quantities[name];
  if (!found) return { number: right, kind: '' };
  const number = found.numbers[j]?.[k] ?? NaN;
  const off = !(Math.abs(number - right) <= SAME * Math.abs(right));
  return off ? { number, kind: found.status } : { number: right, kind: '' };
}

// The one to be marked: what is blamed before what follows.
const gravest = (all) =>
  all.find(({ kind }) => kind === 'fail') ?? all.find(({ kind }) => kind) ?? all[0];

function viewOfMistake(mistake) {
  const at = (name, j, k) => ({ name, ...mistakenAt(mistake, name, j, k) });
  const s = sampleDrawn;
  return {
    said: byId('verdict').textContent,
    lines: '∂C/∂w',
    legend: ['✗ or filled: wrong; dashed circle: follows from it'],
    neuron(layer, j) {
      if (layer === 1)
        return { symbol: symbolOf('x', state.given.x, j, s), number: firstGiven('x', j, s) };
      const own = ['delta', 'a', 'z'].map((quantity) => at(`${quantity}${layer}`, j, s));
      const { name, number, kind } = gravest(own);
      const bias = gravest([at(`nabla_b${layer}`, j, 0), at(`b${layer}`, j, 0)]);
      return { symbol: symbolOf(name, state.first[name], j, s), number, kinds: [kind || bias.kind] };
    },
    edge(l, j, k) {
      const slope = at(`nabla_w${l}`, j, k), { kind } = gravest([slope, at(`w${l}`, j, k)]);
      return { number: slope.number, kinds: [kind], label: kind === 'fail' ? '✗' : undefined };
    },
    cost: { number: at('cost', 0, 0).number, kinds: [at('cost', 0, 0).kind] },
  };
}

// A number that was given, as it was at the start.
function firstGiven(name, j, k) {
  const key = keyOf(name, j, k);
  return state.changed.get(key) ?? valueOf(key);
}
