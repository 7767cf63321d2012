// The numbers that can be changed, each a field with a label; in a large network, which are shown.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parsed(text) {
  const plain = text.trim().replaceAll('−', '-');
  const number = NUMBER.test(plain) ? Number(plain) : NaN;
  return Number.isFinite(number) ? number : null;
}

const exactly = (number) => String(number).replaceAll('-', '−');

function fieldOf(key, symbol) {
  const id = `field-${key.replaceAll(/[^a-z0-9]+/g, '-')}`;
  const input = make('input', { type: 'text', id, autocomplete: 'off' });
  input.setAttribute('aria-describedby', `${id}-said`);
  const label = make('label', { htmlFor: id }, ...typeset(symbol));
  input.setAttribute('aria-label', aloud(symbol));
  const said = make('span', { id: `${id}-said`, className: 'said' });
  const field = make('div', { className: 'field', data: { key } }, label, input, said);
  const fresh = () => {
    input.value = exactly(valueOf(key));
    tell('');
  };
  const tell = (problem) => {
    input.setAttribute('aria-invalid', String(problem !== ''));
    const was = state.changed.get(key);
    said.textContent = problem || (was === undefined ? '' : `was ${shown(was)}`);
    field.classList.toggle('wrong', problem !== '');
    field.classList.toggle('changed', was !== undefined);
  };
  const read = () => {
    const number = parsed(input.value);
    if (number !== null && !Object.is(number, valueOf(key))) changeShown(key, number);
    return number;
  };
  input.addEventListener('input', () => read() !== null && tell(''));
  input.addEventListener('change', () => {
    tell(read() === null ? `not a number: ${written(valueOf(key))} stays` : '');
    announce(`${aloud(symbol)} is ${written(valueOf(key))}: C is ${written(state.made.cost.at(0, 0))}`);
  });
  fresh();
  field.fresh = fresh;
  return field;
}

function groupOf(legend, rows, cols, fields) {
  const grid = make('div', { className: 'grid' }, ...fields);
  grid.style.setProperty('--cols', cols);
  return make('fieldset', {}, make('legend', {}, legend), make('div', { className: 'wide' }, grid));
}

// The keys and symbols of the fields of a table: all of it, or those entries that are picked.
function fieldsOf(name, entries) {
  const table = state.given[name];
  return entries.map(([j, k]) => fieldOf(keyOf(name, j, k), symbolOf(name, table, j, k)));
}

function wholeGroups() {
  return Object.entries(state.given).map(([name, { rows, cols }]) => {
    const entries = Array.from({ length: rows * cols }, (_, e) => [Math.floor(e / cols), e % cols]);
    const lying = cols === 1 && rows <= 4; // a short column lies on its side
    return groupOf(described.words[name], rows, lying ? rows : cols, fieldsOf(name, entries));
  });
}

function pickedGroups() {
  const { s, j, k } = state.pick, { layers } = state;
  const group = (legend, fields) => groupOf(legend, 1, fields.length, fields);
  const batch = [...fieldsOf('x', [[k[2], s]]), ...fieldsOf('y', [[j[layers], s]])];
  const each = Array.from({ length: layers - 1 }, (_, i) => i + 2);
  return [
    group('Sample', batch),
    ...each.map((l) => group(`Layer ${l}`,
      [...fieldsOf(`b${l}`, [[j[l], 0]]), ...fieldsOf(`w${l}`, [[j[l], k[l]]])])),
  ];
}

function renderFields() {
  const rates = [fieldOf('eta', 'η')];
  if (described.rates.lmbda) rates.push(fieldOf('lmbda', 'λ'));
  const rate = groupOf(rates.length > 1 ? 'Rates' : 'Rate', 1, rates.length, rates);
  const groups = [...(described.whole ? wholeGroups() : pickedGroups()), rate];
  const given = document.getElementById('given');
  given.classList.toggle('roomy', !described.whole);
  given.replaceChildren(...groups);
}

function renderPicks() {
  const { s, j, k } = state.pick, { sizes } = described;
  const picks = document.getElementById('picks');
  if (described.whole) return;
  const pick = (id, words, count, value, set) => {
    if (count === 1) return;
    const input = make('input', { type: 'number', id, min: 0, max: count - 1, step: 1, value });
    const said = make('span', { className: 'said' }, `0 to ${count - 1}`);
    input.addEventListener('change', () => {
      const number = Number(input.value);
      const right = input.value !== '' && Number.isInteger(number) && number >= 0 && number < count;
      input.setAttribute('aria-invalid', String(!right));
      said.classList.toggle('wrong', !right);
      if (right) { set(number); showPicked(); }
    });
    const label = make('label', { htmlFor: id }, words);
    picks.append(make('div', { className: 'field' }, label, input, said));
  };
  pick('pick-s', 'sample s', state.given.x.cols, s, (number) => { state.pick.s = number; });
  for (let l = 2; l <= state.layers; l++) {
    const to = `neuron j of layer ${l}`;
    const from = l === 2 ? 'from input k' : `from neuron k of layer ${l - 1}`;
    pick(`pick-j${l}`, to, sizes[l - 1], j[l], (number) => { j[l] = number; });
    pick(`pick-k${l}`, from, sizes[l - 2], k[l], (number) => { k[l] = number; });
  }
}
