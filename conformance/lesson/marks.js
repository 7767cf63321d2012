// What takes part in an equation, shown in the drawing with its numbers.

// Which neuron or weight a number belongs to; undefined if it is not drawn.
function drawnPart(key) {
  const [name, j, k] = parts(key);
  const [quantity, layer] = split(name);
  if (/w$/.test(quantity)) return edges.get(`${layer}:${j},${k}`);
  if (name === 'x' || name === 'y') return neurons.get(`${name === 'x' ? 1 : state.layers}:${j}`);
  return neurons.get(`${layer}:${j}`);
}

function captionOf(key) {
  const [name] = parts(key);
  const [quantity, layer] = split(name);
  if (name === 'x' || quantity === 'a') return ''; // it stands in the circle
  const number = brief(valueOf(key)), arrow = name.endsWith('+') ? '← ' : '';
  return quantity === 'w' ? `${arrow}${number}` : `${letterOf(quantity, layer)} ${arrow}${number}`;
}

// A weight's number goes where the lines that it is shown with lie apart.
function setBeside({ text, from, to }, share) {
  text.setAttribute('x', from[0] + (to[0] - from[0]) * share);
  text.setAttribute('y', from[1] + (to[1] - from[1]) * share + 4);
}

function clearMarks() {
  for (const { element, text } of [...neurons.values(), ...edges.values()]) {
    element.classList.remove('made', 'source');
    text.textContent = '';
  }
}

// Draw the sample to which a number belongs, if it belongs to one.
function drawSampleOf(key) {
  const [name, , s] = parts(key);
  if (!/^(x|y|(z|a|delta|prime)\d*)$/.test(name) || s === sampleDrawn) return;
  sampleDrawn = s;
  drawNumbers();
}

// Show what takes part: the number itself, if there is one, and what it was made of.
function mark(key, sources) {
  clearMarks();
  svg.classList.toggle('marked', key !== null);
  if (key === null) return;
  drawSampleOf(key);
  const keys = [...sources, key];
  const drawn = keys.map((each) => [each, drawnPart(each)]).filter(([, part]) => part);
  const tight = state.layers > 3;
  const ends = new Set(drawn.filter(([, part]) => part.to).map(([, part]) => part.to));
  for (const [each, part] of drawn) {
    if (part.to) setBeside(part, tight ? 0.5 : ends.size > 1 ? 0.62 : 0.34);
    part.element.classList.remove('source'); // a neuron may be both
    part.element.classList.add(each === key ? 'made' : 'source');
    const said = [part.text.textContent, captionOf(each)].filter(Boolean);
    const last = part.to || tight; // there is room for one number
    part.text.textContent = last ? said.at(-1) ?? '' : said.length > 3 ? `${said[0]} …` : said.join(', ');
  }
}
