// Symbols and numbers as a page shows them: layers above, indices below, powers raised.
//
// In text a symbol is written as the terminal has it, such as δ2[1] or σ′(z2[1]). Here it becomes
// MathML, the same in a drawing (SVG has no MathML), or words to be read aloud.

const { namespaceURI: SVG } = document.getElementById('drawing');
const { namespaceURI: MATHML } = document.querySelector('math'); // of an equation below

const make = (tag, properties = {}, ...children) => {
  const { data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
};

const inNamespace = (namespace) => (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const shape = inNamespace(SVG), mathElement = inNamespace(MATHML);

const SYMBOL = /(∇?[A-Za-zδσηλ]+)(′?)(\d*)(?:\[([\dis,]+)\])?/g;
const SCRIPT = 0.72; // the size of what is raised or lowered, as in the style

// A letter with what stands above and below it, as MathML without <math>.
function scripted(letter, prime, above, below) {
  const [, nabla, name] = letter.match(/^(∇?)(.*)$/);
  const plain = mathElement('mi', name === 'e' ? { mathvariant: 'normal' } : {}, name);
  const accented = prime ? mathElement('mrow', {}, plain, mathElement('mo', {}, prime)) : plain;
  const number = (text) => mathElement('mn', {}, text);
  const both = above && below ? ['msubsup', number(below), number(above)]
    : above ? ['msup', number(above)] : below ? ['msub', number(below)] : null;
  const whole = both ? mathElement(both[0], {}, accented, ...both.slice(1)) : accented;
  return nabla ? mathElement('mrow', {}, mathElement('mo', {}, '∇'), whole) : whole;
}

const math = (...parts) => mathElement('math', {}, ...parts);

// A text that may hold symbols, as nodes: the symbols as MathML, the rest as it is.
function typeset(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(SYMBOL)) {
    const [whole, letter, prime, layer, index] = found;
    nodes.push(text.slice(from, found.index), math(scripted(letter, prime, layer, index)));
    from = found.index + whole.length;
  }
  return [...nodes, text.slice(from)].filter((node) => node !== '');
}

// The parts of a symbol that stands alone.
function symbolParts(text) {
  const [, letter, prime, layer, index] = [...text.matchAll(SYMBOL)][0];
  return [letter, prime, layer, index ?? ''];
}

// ∂top/∂bottom, each the text of a symbol, as MathML without <math>.
function derivative(top, bottom) {
  const sign = () => mathElement('mo', { form: 'prefix' }, '∂');
  const side = (text) => mathElement('mrow', {}, sign(), scripted(...symbolParts(text)));
  return mathElement('mfrac', {}, side(top), side(bottom));
}

// A text with symbols as the content of an SVG text: layers above, indices below them.
function drawn(text) {
  const nodes = [];
  let from = 0, down = 0; // how far what was written last stands too low, by the size of a script
  const span = (content, attributes = {}) => {
    if (down) attributes.dy = `${(-down * SCRIPT).toFixed(3)}em`;
    nodes.push(shape('tspan', attributes, content));
    down = 0;
  };
  for (const found of text.matchAll(SYMBOL)) {
    const [whole, letter, prime, layer, index] = found;
    if (found.index > from) span(text.slice(from, found.index));
    span(letter + prime, /^∇?.$/.test(letter) ? { class: 'letter' } : {}); // a name is upright
    if (layer) nodes.push(shape('tspan', { dx: '0.1em', dy: '-0.5em', class: 'script' }, layer));
    if (index) {
      const back = layer ? { dx: `${-0.68 * layer.length}em` } : {}; // below the layer, not behind it
      nodes.push(shape('tspan', { dy: layer ? '0.95em' : '0.45em', class: 'script', ...back }, index));
    }
    down = (layer ? -0.5 : 0) + (index ? (layer ? 0.95 : 0.45) : 0);
    from = found.index + whole.length;
  }
  if (from < text.length) span(text.slice(from));
  return nodes;
}

// ---- numbers

const RAISED = Object.fromEntries([...'0123456789-−'].map((digit, i) => [digit, '⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻'[i]]));
const raised = (text) => [...text].map((digit) => RAISED[digit] ?? digit).join('');

// 1.2e-05 as 1.2·10 with its power raised.
function powered(text) {
  return text.replace(/e([+-−]?)0*(\d+)$/, (_, sign, digits) =>
    `·10${raised((sign === '+' ? '' : sign) + digits)}`);
}

const shown = (number, digits) => powered(written(number, digits));

// A number in a drawing: three digits, two of a small one; a power of ten where it is very small.
function brief(number, digits = 3) {
  const size = Math.abs(number);
  if (!Number.isFinite(number)) return written(number);
  const few = size < 0.1 ? Math.min(digits, 2) : digits;
  if (size === 0 || (size >= 0.001 && size < 9999.5))
    return significant(number, size >= 10 ** few ? 4 : few).replaceAll('-', '−');
  return powered(number.toExponential(0)).replaceAll('-', '−');
}

// ---- aloud

const SPOKEN = {
  η: 'the learning rate', λ: 'the weight decay', x: 'the input x', y: 'the target y',
  b: 'the bias b', w: 'the weight w',
  C: 'the cost', δ: 'the error δ', '∇b': 'the gradient of the bias', '∇w': 'the gradient of the weight',
};

// A symbol in words, such as "the error δ of neuron 1, layer 2".
function aloud(text) {
  const [letter, prime, layer, index] = symbolParts(text);
  const name = prime ? `${letter} prime` : SPOKEN[letter] ?? letter;
  if (!layer) return index ? `${name} ${index.split(',')[0]}` : name;
  const [j, k] = index.split(',');
  if (letter.endsWith('w')) {
    const from = k === undefined ? 'into' : `from neuron ${k} to neuron ${j} of`;
    return `${name} ${from} layer ${layer}`;
  }
  const sample = k === undefined ? '' : `, sample ${k}`;
  return `${name} of ${j ? `neuron ${j}, ` : ''}layer ${layer}${sample}`;
}
