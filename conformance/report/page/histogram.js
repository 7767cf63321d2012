// How many entries are off by how many ulps: a bar a doubling, over the range of the tolerances.
const WIDE = 560, HIGH = 190, FOOT = 52, MARGIN = 36, LETTER = 13, LABELS = 6, LAST = 64;

const counted = (number) => (number < 1e9 ? number.toLocaleString("en", { maximumSignificantDigits: 3 }) : number.toPrecision(3));
const doubling = (i) => (i === 0 ? "exact" : i === LAST ? `>2^${i - 2}` : i < 12 ? `≤${2 ** (i - 1)}` : `≤2^${i - 1}`);

const tolerance = ([least, most]) => {
  if (least === null || most === null) return "No tolerance can be given in ulps.";
  const range = least === most ? counted(most) : `${counted(least)} to ${counted(most)}`;
  return `The tolerance is ${range} ulps${least === most ? "" : ", by entry"}: the dashed lines.`;
};

const histogram = (verdict) => {
  const counts = verdict.counts, most = Math.max(...counts), bins = Math.max(counts.length, 4);
  const step = (WIDE - 2 * MARGIN) / (bins + 1), floor = HIGH - FOOT;
  const left = (i) => MARGIN + step * i;
  const place = (ulps) => left(1 + Math.min(bins, Math.max(0, Math.log2(ulps) + 1)));
  const told = (n, i) => `${n.toLocaleString("en")} ${i ? `off by ${doubling(i)} ulp` : "exact"}`;
  const words = counts.map((n, i) => n && told(n, i)).filter(Boolean).join(", ");
  const svg = make("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `Entries by their error in ulps: ${words}` });
  const [low, high] = verdict.limits.map((each) => (each === null ? null : place(each)));
  const ranged = low !== null && high !== null;
  if (ranged) svg.append(make("rect", { class: "limits", x: low, y: 0, width: Math.max(0, high - low), height: floor }));
  let free = 0; // where the next number may begin; it stands above all bars that it would touch
  const touched = (i, half) => counts.filter((_, k) => Math.abs(k - i) * step < half + step / 2);
  counts.forEach((n, i) => {
    if (!n) return;
    const tall = Math.max(2, ((floor - 20) * Math.log1p(n)) / Math.log1p(most));
    const kind = high !== null && i > 0 && left(i) >= high ? "bar beyond" : "bar";
    const bar = { class: kind, x: left(i) + 1, y: floor - tall, width: Math.max(1, step - 2), height: tall };
    svg.append(make("rect", bar, make("title", {}, told(n, i))));
    const text = n.toLocaleString("en"), half = (LETTER * text.length) / 2, middle = left(i + 0.5);
    if (middle - half < free || Math.max(...touched(i, half)) > n) return;
    free = middle + half;
    svg.append(make("text", { x: middle, y: floor - tall - 4 }, text));
  });
  for (let i = 0; i < bins; i += Math.ceil(bins / LABELS)) svg.append(make("text", { x: left(i + 0.5), y: HIGH - 32 }, doubling(i)));
  svg.append(make("text", { class: "title", x: WIDE / 2, y: HIGH - 6 }, "error in ulps"));
  svg.append(make("text", { class: "title", transform: "rotate(-90)", x: -floor / 2, y: 18 }, "entries"));
  for (const x of [low, high]) if (ranged) svg.append(make("line", { class: "limit", x1: x, x2: x, y1: 0, y2: floor }));
  const said = `How many entries are off by how many ulps, each bar a doubling. ${tolerance(verdict.limits)}`;
  return make("div", { class: "histogram" }, make("p", { class: "note" }, said), svg);
};
