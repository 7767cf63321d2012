// Symbols and numbers as a page shows them: layers above, indices below, powers raised.
//
// In text a symbol is written as the terminal has it, such as δ2[1] or σ′(z2[1]). Here it becomes
// MathML, the same in a drawing (SVG has no MathML), or words to be read aloud.

const MATHML = 'http://www.w3.org/1998/Math/MathML', SVG = 'http://www.w3.org/2000/svg';

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

const SYMBOL = /(∇?[A-Za-zδσηλ]+)(′?)(\d*)(?:\[([\di,]+)\])?/g;
const FUNCTION = /^(ln|max|tanh|ReLU|softmax|e)$/;

// A letter with what stands above and below it, as MathML without <math>.
function scripted(letter, prime, above, below) {
  const [, nabla, name] = letter.match(/^(∇?)(.*)$/);
  const plain = mathElement('mi', FUNCTION.test(name) ? { mathvariant: 'normal' } : {}, name);
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
  const side = (text) =>
    mathElement('mrow', {}, mathElement('mo', { form: 'prefix' }, '∂'), scripted(...symbolParts(text)));
  return mathElement('mfrac', {}, side(top), side(bottom));
}

// A symbol as the content of an SVG text: the layer above, the index below it.
function drawn(text) {
  const [letter, prime, layer, index] = symbolParts(text);
  const span = (content, attributes) => shape('tspan', attributes, content);
  const nodes = [span(letter + prime, { class: 'letter' })];
  if (layer) nodes.push(span(layer, { dy: '-0.45em', class: 'script' }));
  if (index) {
    const back = layer ? -0.58 * layer.length : 0; // below the layer, not behind it
    nodes.push(span(index, { dx: `${back}em`, dy: layer ? '0.85em' : '0.4em', class: 'script' }));
  }
  const down = (layer ? -0.45 : 0) + (index ? (layer ? 0.85 : 0.4) : 0);
  return [nodes, -down]; // and by how much of a script's size what follows goes down again
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

// Three digits, or what fits into a circle: five characters or so.
function brief(number) {
  const size = Math.abs(number);
  if (!Number.isFinite(number)) return written(number);
  if (size === 0 || (size >= 0.001 && size < 9999.5))
    return significant(number, size < 0.1 ? 2 : 3).replaceAll('-', '−');
  return powered(number.toExponential(0)).replaceAll('-', '−');
}

// ---- aloud

const SPOKEN = {
  η: 'the learning rate', λ: 'the weight decay', z: 'z', a: 'a', x: 'the input x', y: 'the target y', b: 'the bias b', w: 'the weight w',
  C: 'the cost', δ: 'the error δ', '∇b': 'the gradient of the bias', '∇w': 'the gradient of the weight',
};

// A symbol in words, such as "the error δ of neuron 1, layer 2".
function aloud(text) {
  const [letter, prime, layer, index] = symbolParts(text);
  const name = prime ? `${letter} prime` : SPOKEN[letter] ?? letter;
  if (!layer) return index ? `${name} ${index.split(',')[0]}` : name;
  const [j, k] = index.split(',');
  const weight = letter.endsWith('w');
  if (weight) return k === undefined ? `${name} into layer ${layer}` : `${name} from neuron ${k} to neuron ${j} of layer ${layer}`;
  const sample = k === undefined ? '' : `, sample ${k}`;
  return `${name} of ${j ? `neuron ${j}, ` : ''}layer ${layer}${sample}`;
}
