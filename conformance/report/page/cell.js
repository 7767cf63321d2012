// What opens from a cell. Its address is the page's, so that it can be sent to somebody.
const box = document.getElementById("cell");
let opener = null;

const SIGNS = { pass: "✓", fail: "✗", explained: "·", "not observed": "–", error: "!" };
const WORDS = { pass: "right", fail: "wrong", explained: "wrong, but right given its inputs", "not observed": "not shown", error: "stopped" };

const facts = (verdict) => {
  const list = make("ul", { class: "facts" });
  const say = (text) => text && list.append(make("li", {}, text));
  say(verdict.problem && verdict.problem !== "differs" && `it ${verdict.problem}`);
  if (verdict.outside) say(`${verdict.outside[0].toLocaleString("en")} of ${verdict.outside[1].toLocaleString("en")} entries are beyond their tolerance`);
  if (verdict.shape) say(`shape ${verdict.shape.join(" × ") || "one number"}, ${verdict.dtype}, compared with ${verdict.against === "its inputs" ? "what follows from the subject’s own inputs" : "the truth"}`);
  say(verdict.by && `explained by ${verdict.by}`);
  say(verdict.doubt);
  say(verdict.line && `computed at ${verdict.line}`);
  return list;
};

const table = (verdict) => {
  const row = (kind, texts) => make("tr", {}, ...texts.map((text) => make(kind, kind === "th" ? { scope: "col" } : {}, text)));
  const body = verdict.worst.map(([where, ...rest]) => row("td", [where || "the number", ...rest]));
  const head = row("th", ["entry", "got", "expected", "ulps", "× tolerance"]);
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "The worst entries" },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
};

const steps = (verdict) => {
  const nav = make("nav", { "aria-label": "Steps" });
  for (const other of verdict.of.verdicts) {
    if (other.name !== verdict.name) continue;
    const mode = other.mode === "restarted" ? "step" : other.mode === "free run" ? "free run, step" : "own feedforward, step";
    const link = make("a", { href: `#${other.at}` }, `${mode} ${other.step} ${SIGNS[other.status]}`);
    if (other.at === verdict.at) link.setAttribute("aria-current", "true");
    nav.append(link);
  }
  return nav;
};

const shown = async (verdict) => {
  const close = make("button", { type: "button" }, "Close");
  close.addEventListener("click", shut);
  const badge = make("span", { class: `badge ${verdict.status.replace(" ", "-")}`, "aria-hidden": "true" }, SIGNS[verdict.status]);
  const title = make("h2", { id: "cell-title", tabindex: -1 }, badge, ` ${verdict.symbol} in ${verdict.of.id}: ${WORDS[verdict.status]}`);
  const equation = document.querySelector(`template[data-equation="${verdict.tag} ${verdict.of.cost}"]`);
  const parts = [make("header", {}, title, close), make("p", {}, make("b", {}, verdict.tag), "  ", equation ? equation.content.cloneNode(true) : "")];
  parts.push(steps(verdict), facts(verdict));
  if (verdict.worst) {
    parts.push(make("h3", {}, "Worst entries"), table(verdict), make("h3", {}, "Error over tolerance, entry by entry"), await map(verdict));
    parts.push(make("h3", {}, "Errors in ulps"), histogram(verdict));
  }
  return parts;
};

const visit = async () => {
  await loaded;
  const verdict = byAddress.get(decodeURIComponent(location.hash.slice(1)));
  if (!verdict) {
    if (box.open) shut();
    return;
  }
  box.replaceChildren(...(await shown(verdict)));
  if (!box.open) box.showModal();
  box.scrollTop = 0;
  document.getElementById("cell-title").focus();
};

// Closed at once and not in an event of its own, which could meet the next opening half way.
const shut = () => {
  const address = location.hash;
  history.replaceState(null, "", location.pathname + location.search);
  if (box.open) box.close();
  (opener ?? document.querySelector(`.cells a[href="${CSS.escape(address)}"]`))?.focus();
  opener = null;
};
box.addEventListener("cancel", (event) => {
  event.preventDefault();
  shut();
});
box.addEventListener("click", (event) => event.target === box && shut());
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && !box.contains(link)) opener = link;
  if (link && link.hash === location.hash) visit();
});
addEventListener("hashchange", visit);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => box.open && visit());
