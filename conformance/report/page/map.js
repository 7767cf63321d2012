// Maps, drawn from the numbers: they can be pointed at and follow the theme.
const AT = 128, LOST = 255, STEPS = 2, PIXELS = 1.5;

const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// Blue within the tolerance, fainter where the error is smaller; orange to brown outside, over the
// range of the map, so that its pattern is seen however far out it lies.
const colours = (levels) => {
  const out = levels.filter((level) => level > AT && level !== LOST);
  const low = Math.min(...new Set(out)), high = Math.max(...new Set(out));
  const mix = (a, b, t) => a.map((from, i) => Math.round(from + (b[i] - from) * t));
  const [none, lost, from, to, near, far] = dark()
    ? [[29, 32, 38], [227, 155, 224], [32, 44, 56], [98, 181, 234], [255, 205, 150], [226, 74, 20]]
    : [[245, 246, 248], [138, 42, 134], [226, 236, 244], [11, 98, 152], [250, 190, 120], [120, 28, 0]];
  const colour = (level) => {
    if (level === 0) return none;
    if (level === LOST) return lost;
    if (level <= AT) return mix(from, to, Math.max(0, 1 - (AT - level) / (16 * STEPS)));
    return mix(near, far, high > low ? (level - low) / (high - low) : 1);
  };
  const key = [[0, "exact"], [AT - 16 * STEPS, "far within"], [AT, "at the tolerance"]];
  if (out.length) key.push([low, multiple(low)]);
  if (high > low) key.push([high, multiple(high)]);
  if (levels.includes(LOST)) key.push([LOST, "not a number"]);
  return { colour, key };
};

const multiple = (level) => {
  if (level === 0) return "exact";
  if (level === LOST) return "not a number";
  const edge = level === 254 ? "over " : level === 1 ? "under " : "up to ";
  return `${edge}${(2 ** ((level - AT) / STEPS)).toPrecision(2)} × tolerance`;
};

// Where each entry stands: a tile of pixels a neuron, or a row a neuron.
const places = (verdict) => {
  const [rows, columns] = [...verdict.shape, 1, 1];
  const pixels = verdict.of.sizes[0], side = Math.sqrt(pixels);
  const tiled = /^(nabla_)?w2$/.test(verdict.name) && verdict.of.digits.length && columns === pixels;
  if (tiled) {
    const across = Math.min(10, rows), step = side + 2;
    return {
      width: across * step, height: Math.ceil(rows / across) * step,
      at: (j, k) => [(j % across) * step + (k % side), Math.floor(j / across) * step + Math.floor(k / side)],
      words: `One tile of ${side} × ${side} pixels a neuron, ten in a row, from neuron 0.`,
      size: Math.max(2, Math.round(PIXELS * (across < 10 ? 2 : 1.5))),
    };
  }
  const samples = /^(z|a|delta)\d/.test(verdict.name);
  const below = samples ? "a column a sample" : columns > 1 ? "a column a neuron of the layer below" : "";
  return {
    width: columns, height: rows, at: (j, k) => [k, j], samples,
    words: `A row a neuron${below && ", " + below}, counted from 0.`,
    size: Math.max(1, Math.min(samples && verdict.of.digits.length ? 28 : 24, Math.floor(560 / columns))),
  };
};

const drawn = (width, height, size, paint) => {
  const canvas = make("canvas", { width: width * size, height: height * size });
  const context = canvas.getContext("2d");
  paint((x, y, [r, g, b]) => {
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(x * size, y * size, size, size);
  });
  return canvas;
};

const digits = async (verdict, size) => {
  const pixels = verdict.of.sizes[0], side = Math.sqrt(pixels);
  const bytes = await inflate(verdict.of.digits[verdict.step]);
  const count = bytes.length / pixels;
  const canvas = make("canvas", { width: count * size, height: size, role: "img", "aria-label": `The ${count} samples` });
  const context = canvas.getContext("2d"), cell = (size - 2) / side;
  for (let i = 0; i < bytes.length; i++) {
    const sample = Math.floor(i / pixels), at = i % pixels, ink = bytes[i];
    if (!ink) continue;
    const grey = dark() ? ink : 255 - ink;
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect(sample * size + 1 + (at % side) * cell, 1 + Math.floor(at / side) * cell, cell + 0.5, cell + 0.5);
  }
  return canvas;
};

const map = async (verdict) => {
  if (!verdict.levels) {
    const why = "The map is left out, since the page would grow beyond 2 MB: check this case alone with --case.";
    return make("p", { class: "note" }, why);
  }
  const levels = await inflate(verdict.levels), [rows, columns] = [...verdict.shape, 1, 1];
  const { width, height, at, words, size, samples } = places(verdict);
  const { colour, key: scale } = colours(levels);
  const canvas = drawn(width, height, size, (fill) => {
    for (let i = 0; i < levels.length; i++) fill(...at(Math.floor(i / columns), i % columns), colour(levels[i]));
  });
  const bad = new Set();
  levels.forEach((level, i) => level > AT && bad.add(Math.floor(i / columns)));
  const list = [...bad], some = list.slice(0, 20).join(", ") + (list.length > 20 ? ", …" : "");
  const told = list.length === 0 ? "Every entry is within its tolerance."
    : list.length === rows && rows > 1 ? "Outside the tolerance: entries of every neuron."
    : rows > 1 ? `Outside the tolerance: entries of neuron${list.length > 1 ? "s" : ""} ${some}.` : "";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Error over tolerance, entry by entry. ${words} ${told}`);
  const reading = make("output", { class: "note" }, "Point at an entry, or tap it, to read it.");
  const where = new Map(Array.from(levels, (_, i) => [at(Math.floor(i / columns), i % columns).join(), i]));
  const read = (event) => {
    const i = where.get([Math.floor(event.offsetX / size), Math.floor(event.offsetY / size)].join());
    if (i === undefined) return;
    const second = columns > 1 ? `, ${samples ? "sample" : "from neuron"} ${i % columns}` : "";
    reading.textContent = `neuron ${Math.floor(i / columns)}${second}: ${multiple(levels[i])}`;
  };
  for (const kind of ["pointermove", "pointerdown"]) canvas.addEventListener(kind, read); // a tap is no move
  const box = make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Map of the errors" });
  if (samples && verdict.of.digits.length) box.append(await digits(verdict, size));
  box.append(canvas);
  const key = make("div", { class: "scale" });
  for (const [level, label] of scale) {
    const swatch = drawn(1, 1, 14, (fill) => fill(0, 0, colour(level)));
    key.append(make("span", {}, swatch, label));
  }
  return make("div", {}, make("p", { class: "note" }, `${words} ${told}`), box, reading, key);
};
