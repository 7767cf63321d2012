// What moves: values that flow along the lines into what is made of them, forward or back.
//
// Nothing moves for those who asked for less motion. Left out: which step it is (`walk.js`).

const STILL = matchMedia('(prefers-reduced-motion: reduce)');
const MOTION = 700; // milliseconds
const flowing = shape('g', { class: 'flowing' });

// The points between which a step's values travel, each with the sign of what travels.
function travelsOf(step) {
  const here = neurons.get(`${step.layer}:${step.j}`)?.at;
  const from = (layer, j) => neurons.get(`${layer}:${j}`)?.at;
  const { row: { tag }, layer, j, sample } = step, number = valueOf(step.key);
  const into = (other, keyOfOther) =>
    drawnOf(other).map((k) => [from(other, k), here, valueOf(keyOfOther(k))]);
  if (tag === 'Z') return into(layer - 1, (k) => keyOf(`w${layer}`, j, k));
  if (tag === 'C') return drawnOf(layer).map((k) => [from(layer, k), costNode.at, 1]);
  if (step.slope) return [];
  if (tag === 'BP1') return [[costNode.at, here, number]];
  if (tag === 'BP2') return into(layer + 1, (k) => keyOf(`delta${layer + 1}`, k, sample));
  if (tag === 'BP4')
    return [from(layer, j), from(layer - 1, step.k)].map((at) => [at, middle(step), number]);
  return [];
}

function middle({ layer, j, k }) {
  const edge = edges.get(`${layer}:${j},${k}`);
  return edge && [0, 1].map((axis) => (edge.from[axis] + edge.to[axis]) / 2);
}

// The two points, each moved out of its circle towards the other.
function outside(from, to) {
  const [across, down] = [to[0] - from[0], to[1] - from[1]];
  const share = canvas().radius / Math.hypot(across, down);
  const at = ([x, y], by) => [x + across * by, y + down * by];
  return [at(from, share), at(to, -share)];
}

function flow(step) {
  flowing.replaceChildren();
  if (STILL.matches) return;
  for (const [source, target, number] of travelsOf(step)) {
    if (!source || !target) continue;
    const [from, to] = outside(source, target);
    const kind = number < 0 ? 'negative' : '';
    const dot = shape('circle', { cx: from[0], cy: from[1], r: 5, class: kind });
    flowing.append(dot);
    const by = `translate(${to[0] - from[0]}px, ${to[1] - from[1]}px)`;
    const there = { transform: by, opacity: 1, offset: 0.95 }, gone = { transform: by, opacity: 0 };
    const moved = dot.animate([{ transform: 'none', opacity: 1 }, there, gone],
      { duration: MOTION, easing: 'ease-in-out', fill: 'forwards' });
    moved.finished.then(() => dot.remove(), () => {});
  }
}

// ---- a clock that calls again and again, and a button that starts and stops it

// `tick` gives the milliseconds until it is called next, or 0 at the end.
function player(button, words, tick) {
  let timer = 0;
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    button.textContent = words[0];
  };
  const turn = () => {
    const wait = tick();
    if (wait) timer = setTimeout(turn, wait);
    else stop();
  };
  button.addEventListener('click', () => {
    if (timer) return stop();
    [, button.textContent] = words;
    return turn();
  });
  return { stop, get running() { return timer !== 0; } };
}
