// A chart of lines with titled axes, drawn to fit the width of its place.

const CHART = { width: 460, height: 250, left: 62, right: 14, top: 14, bottom: 44 };

// Round numbers between two, at most so many apart.
function ticksBetween(low, high, most = 5) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  const first = Math.ceil(low / unit - 1e-9);
  const count = Math.floor(high / unit + 1e-9) - first + 1;
  const tick = (i) => Number(((first + i) * unit).toPrecision(12));
  return Array.from({ length: Math.max(count, 0) }, (_, i) => tick(i));
}

// The scales of a chart over these ranges, from numbers to places.
function scales([left, right], [low, high]) {
  const across = CHART.width - CHART.left - CHART.right, bottom = CHART.height - CHART.bottom;
  const x = (number) => CHART.left + ((number - left) / (right - left || 1)) * across;
  const y = (number) => bottom - ((number - low) / (high - low || 1)) * (bottom - CHART.top);
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

const isFinitePoint = (point) => point.every(Number.isFinite);

const pathOf = (points) =>
  points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)},${y.toFixed(1)}`).join('');

// A place in which lines are drawn, and beyond which they are cut.
function frameOf(paths) {
  const y = CHART.top - 4, height = CHART.height - CHART.bottom - y + 4, { width } = CHART;
  return shape('svg', { x: 0, y, width, height, viewBox: `0 ${y} ${width} ${height}` }, ...paths);
}

// A chart with a name: lines of [x, y] with a class, marks at points, and the words of its legend.
function chart({ name, titles, x, y, lines: all, marks = [], legend = [] }) {
  const to = scales(x, y), { width, height } = CHART;
  const place = ([across, up]) => [to.x(across), to.y(up)];
  const whole = { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': name };
  const paths = all.map(({ points, kind }) =>
    shape('path', { d: pathOf(points.filter(isFinitePoint).map(place)), class: `curve ${kind}` }));
  const dots = marks.filter(({ at }) => isFinitePoint(at)).map(({ at, kind }) => {
    const [cx, cy] = place(at);
    return shape('circle', { cx, cy, r: 6, class: kind });
  });
  const element = shape('svg', whole, ...axes(x, y, titles), frameOf(paths), ...dots);
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
  const finite = numbers.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite);
  const more = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [Math.max(least, low - more), high + more];
}
