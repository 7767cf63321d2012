// The whole step below: every equation with its numbers; each line leads to its place in the walk.

const lineByKey = new Map();

function renderLines() {
  lineByKey.clear();
  steps = allSteps();
  byId('scrub').max = steps.length - 1;
  for (const equation of document.querySelectorAll('.equation')) {
    const own = steps.filter(({ row }) => row.name === equation.dataset.name);
    equation.querySelector('.lines').replaceChildren(...own.map(lineOf));
  }
}

function lineOf(step) {
  const [symbol, ...rest] = equationNodes(step);
  const button = make('button', { type: 'button', className: 'symbol' }, ...symbol.childNodes);
  button.setAttribute('aria-label', `Go to ${aloud(step.symbol)}`);
  const line = make('li', { className: 'line', data: { key: step.key } }, button, ...rest);
  lineByKey.set(step.key, line);
  button.addEventListener('click', () => {
    chooseTab('walk');
    go(steps.findIndex(({ key }) => key === step.key));
    byId('now').scrollIntoView({ block: 'center' });
  });
  return line;
}

function markLine(key) {
  document.querySelector('.line[aria-current]')?.removeAttribute('aria-current');
  lineByKey.get(key)?.setAttribute('aria-current', 'step');
}
