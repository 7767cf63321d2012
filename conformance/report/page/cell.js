// What opens from a cell. Its address is the page's, so that it can be sent to somebody.
const box = document.getElementById("cell");
let opener = null;

const SIGNS = { pass: "✓", fail: "✗", "lost digits": "~", explained: "·", undecided: "?", "not observed": "–", error: "!" };
const WORDS = { pass: "right", fail: "wrong", "lost digits": "right formula, lost digits", explained: "wrong, but right given its inputs", undecided: "undecided in so few bits", "not observed": "not shown", error: "stopped" };

const facts = (verdict) => {
  const list = make("ul", { class: "facts" });
  const say = (text) => text && list.append(make("li", {}, text));
  say(verdict.problem && verdict.problem !== "differs" && `it ${verdict.problem}`);
  if (verdict.outside) say(`${verdict.outside[0].toLocaleString("en")} of ${verdict.outside[1].toLocaleString("en")} entries are beyond their tolerance`);
  if (verdict.shape) say(`shape ${verdict.shape.join(" × ") || "one number"}, ${verdict.dtype}, compared with ${verdict.against === "its inputs" ? "what follows from the subject’s own inputs" : "the truth"}`);
  say(verdict.by && `explained by ${verdict.by}`);
  say(verdict.doubt);
  say(verdict.line && `computed at ${verdict.line}`);
  say(verdict.of.why && `the case: ${verdict.of.why}`);
  return list;
};

// The roles are said, since a narrow page shows the rows as lists, which would lose them.
const table = (verdict) => {
  const names = ["entry", "got", "expected", "ulps", "× tolerance"];
  const row = (cells) => make("tr", { role: "row" }, ...cells);
  const head = row(names.map((name) => make("th", { scope: "col", role: "columnheader" }, name)));
  const body = verdict.worst.map(([where, ...rest]) => row([where || "the number", ...rest].map(
    (text, i) => make("td", { role: "cell", "data-name": names[i] }, text))));
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "The worst entries" },
    make("table", { role: "table" }, make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...body)));
};

const steps = (verdict) => {
  const nav = make("nav", { "aria-label": "Steps" });
  for (const other of verdict.of.verdicts) {
    if (other.name !== verdict.name) continue;
    const mode = other.mode === "restarted" ? "step" : /^(free run|rank)/.test(other.mode) ? `${other.mode}, step` : "own feedforward, step";
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

const addressed = (hash) => {
  try {
    return byAddress.get(decodeURIComponent(hash.slice(1)));
  } catch {
    return undefined; // not an address at all
  }
};

let asked = "";
const visit = async (hash) => {
  asked = hash;
  await loaded;
  const verdict = addressed(hash);
  if (!verdict) {
    if (box.open) shut();
    return;
  }
  const parts = await shown(verdict);
  if (asked !== hash) return; // another was asked for meanwhile
  box.replaceChildren(...parts);
  if (!box.open) box.showModal();
  box.scrollTop = 0;
  stops();
  document.getElementById("cell-title").focus();
};

const remember = (hash, how) => {
  try {
    history[how](null, "", location.href.split("#")[0] + hash);
  } catch {
    // in a frame or a preview the page may have no address that could change: it does without
  }
};

// Closed at once and not in an event of its own, which could meet the next opening half way.
const shut = () => {
  const link = document.querySelector(`.cells a[href="${CSS.escape(asked)}"]`);
  asked = "";
  remember("", "replaceState");
  if (box.open) box.close();
  (opener ?? link)?.focus();
  opener = null;
};
box.addEventListener("cancel", (event) => {
  event.preventDefault();
  shut();
});
box.addEventListener("click", (event) => event.target === box && shut());
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey; // in another tab
  if (!link || elsewhere || !link.hash.includes("/")) return;
  event.preventDefault();
  if (!box.contains(link)) opener = link;
  if (link.hash !== asked) remember(link.hash, "pushState");
  visit(link.hash);
});
addEventListener("hashchange", () => visit(location.hash));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => box.open && visit(asked));
