// The matrix: one stop of the Tab key, arrow keys within, and filters.
for (const grid of document.querySelectorAll(".cells")) {
  const links = () => [...grid.querySelectorAll("td a")].filter((each) => each.checkVisibility());
  const only = (link) => {
    for (const each of grid.querySelectorAll("td a[tabindex='0']")) each.tabIndex = -1;
    if (link) link.tabIndex = 0;
  };
  const heads = grid.tHead.rows[0].cells;
  for (const each of grid.querySelectorAll("td a")) {
    const cell = each.parentElement, word = each.querySelector(".unseen").textContent;
    each.setAttribute("aria-label", `${heads[cell.cellIndex].textContent} in ${cell.parentElement.dataset.case}: ${word}`);
    each.tabIndex = -1;
  }
  const first = grid.querySelector("td.fail a");
  only(first ?? grid.querySelector("td a"));
  // What is wrong is in view: beside the names of the cases, below the symbols.
  const room = grid.parentElement;
  const into = (cell) => {
    const box = cell.getBoundingClientRect(), edge = room.getBoundingClientRect();
    const names = grid.tBodies[0].rows[0].cells[0].offsetWidth, symbols = grid.tHead.offsetHeight;
    if (box.right > edge.right - 40) room.scrollLeft += box.left - edge.left - names - 40;
    if (box.bottom > edge.bottom - 40) room.scrollTop += box.top - edge.top - symbols - 40;
  };

  grid.addEventListener("focusin", (event) => event.target.matches("td a") && only(event.target));
  grid.addEventListener("keydown", (event) => {
    const here = event.target.closest("td");
    if (!here) return;
    const row = here.parentElement, column = here.cellIndex;
    const along = (cell, next) => {
      for (let each = next(cell); each; each = next(each)) {
        const link = each.querySelector("a");
        if (link && link.checkVisibility()) return link;
      }
      return null;
    };
    const up = (cell) => cell.parentElement.previousElementSibling?.cells[column];
    const down = (cell) => cell.parentElement.nextElementSibling?.cells[column];
    const own = [...row.querySelectorAll("a")].filter((each) => each.checkVisibility());
    const target = {
      ArrowRight: () => along(here, (cell) => cell.nextElementSibling),
      ArrowLeft: () => along(here, (cell) => cell.previousElementSibling),
      ArrowDown: () => along(here, down), ArrowUp: () => along(here, up),
      Home: () => own[0], End: () => own.at(-1),
    }[event.key]?.();
    if (target) {
      event.preventDefault();
      target.focus();
    }
  });

  const form = grid.closest("section").querySelector(".filters");
  const failing = new Set([...grid.querySelectorAll("td.fail")].map((each) => each.cellIndex));
  const filter = () => {
    const { verdict, kind, layer, case: part, wrong } = Object.fromEntries(new FormData(form));
    const kept = [...grid.tHead.rows[0].cells].map((head, i, all) => i === 0 || i === all.length - 1
      || ((!kind || head.dataset.kind === kind) && (!layer || head.dataset.layer === layer) && (!wrong || failing.has(i))));
    [...grid.tHead.rows[0].cells].forEach((head, i) => (head.hidden = !kept[i]));
    let rows = 0;
    for (const row of grid.tBodies[0].rows) {
      const cells = [...row.cells];
      cells.forEach((cell, i) => (cell.hidden = !kept[i]));
      const has = !verdict || cells.some((cell, i) => kept[i] && cell.className === verdict.replace(" ", "-"));
      row.hidden = !(has && row.dataset.case.includes(part.trim().toLowerCase()));
      rows += !row.hidden;
    }
    const all = grid.tBodies[0].rows.length;
    const symbols = kept.length - 2, shown = kept.filter(Boolean).length - 2;
    const some = shown < symbols ? `, ${shown} of ${symbols} quantities` : "";
    form.querySelector("output").textContent = `${rows} of ${all} case${all === 1 ? "" : "s"}${some}`;
    stops();
    only(links()[0]);
  };
  form.elements.wrong.closest("label").hidden = !failing.size;
  if (failing.size && matchMedia("(max-width: 40rem)").matches) {
    form.elements.wrong.checked = true; // all of them would be far wider than the screen
    filter();
  } else if (first) into(first.parentElement);
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
}
for (const each of document.querySelectorAll(".script")) each.hidden = false;
for (const each of document.querySelectorAll(".unscripted")) each.hidden = true;
stops();
visit(location.hash).then(() => document.documentElement.classList.add("ready"));
