// A chart of lines with titled axes, drawn to fit the width of its place.

const CHART = { width: 460, height: 250, left: 62, right: 14, top: 14, bottom: 44 };

// Round numbers between two, at most so many apart.
function ticksBetween(low, high, most = 5) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  const first = Math.ceil(low / unit - 1e-9);
  const count = Math.floor(high / unit + 1e-9) - first + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => Number(((first + i) * unit).toPrecision(12)));
}

// The scales of a chart over these ranges, from numbers to places.
function scales([left, right], [low, high]) {
  const { width, height } = CHART;
  const x = (number) => CHART.left + ((number - left) / (right - left || 1)) * (width - CHART.left - CHART.right);
  const y = (number) => height - CHART.bottom - ((number - low) / (high - low || 1)) * (height - CHART.top - CHART.bottom);
  return { x, y };
}

function axes([left, right], [low, high], titles) {
  const { x, y } = scales([left, right], [low, high]);
  const { width, height } = CHART, bottom = height - CHART.bottom;
  const line = (x1, y1, x2, y2, kind) => shape('line', { x1, y1, x2, y2, class: kind });
  const text = (at, kind, content) => shape('text', { x: at[0], y: at[1], class: kind }, ...content);
  const across = ticksBetween(left, right).flatMap((tick) => [
    line(x(tick), bottom, x(tick), bottom + 5, 'axis'),
    text([x(tick), bottom + 18], 'tick', [brief(tick)])]);
  const up = ticksBetween(low, high, 4).flatMap((tick) => [
    line(CHART.left, y(tick), width - CHART.right, y(tick), 'grid'),
    text([CHART.left - 8, y(tick) + 4], 'tick up', [brief(tick)])]);
  const middle = (CHART.top + bottom) / 2;
  const upward = text([14, middle], 'title', titles[1]);
  upward.setAttribute('transform', `rotate(-90 14 ${middle})`);
  return [...up, line(CHART.left, bottom, width - CHART.right, bottom, 'axis'), ...across,
    text([(CHART.left + width - CHART.right) / 2, height - 6], 'title', titles[0]), upward];
}

const pathOf = (points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)},${y.toFixed(1)}`).join('');

// A chart with a name: lines of [x, y] with a class, marks at points, and the words of its legend.
function chart({ name, titles, x, y, lines: all, marks = [], legend = [] }) {
  const to = scales(x, y), { width, height } = CHART;
  const place = ([across, up]) => [to.x(across), to.y(up)];
  const element = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': name });
  const clip = shape('svg', { x: 0, y: CHART.top - 4, width, height: height - CHART.bottom - CHART.top + 8, viewBox: `0 ${CHART.top - 4} ${width} ${height - CHART.bottom - CHART.top + 8}` });
  clip.append(...all.map(({ points, kind }) => shape('path', { d: pathOf(points.filter((point) => point.every(Number.isFinite)).map(place)), class: `curve ${kind}` })));
  const dots = marks.filter(({ at }) => at.every(Number.isFinite)).map(({ at, kind }) => {
    const [cx, cy] = place(at);
    return shape('circle', { cx, cy, r: 6, class: kind });
  });
  element.append(...axes(x, y, titles), clip, ...dots);
  const key = ([kind, words]) => make('li', {}, keyMark(kind), ' ', ...words);
  const list = legend.length ? [make('ul', { className: 'legend' }, ...legend.map(key))] : [];
  return [element, ...list];
}

function keyMark(kind) {
  const mark = kind.startsWith('dot')
    ? shape('circle', { cx: 15, cy: 6, r: 5, class: kind.slice(4) })
    : shape('path', { d: 'M0,6L30,6', class: `curve ${kind}` });
  return shape('svg', { viewBox: '0 0 30 12', class: 'key', 'aria-hidden': 'true' }, mark);
}

// A range a little larger than the numbers that are finite.
function around(numbers, { least = -Infinity } = {}) {
  const finite = numbers.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
  const more = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [Math.max(least, low - more), high + more];
}
