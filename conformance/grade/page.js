const table = document.getElementById("rows");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort ?? cell.textContent;
}

function sort(column) {
  const head = heads[column];
  const down = head.getAttribute("aria-sort") === "ascending";
  heads.forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const order = new Intl.Collator("en", { numeric: true });
  const sign = down ? -1 : 1;
  const rows = [...body.rows];
  rows.sort((a, b) => sign * order.compare(key(a, column), key(b, column)));
  body.append(...rows);
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.addEventListener("click", () => sort(column));
  head.replaceChildren(button);
});

function open() {
  const report = document.getElementById(location.hash.slice(1));
  if (report instanceof HTMLDetailsElement) {
    report.open = true;
    report.scrollIntoView();
  }
}
addEventListener("hashchange", open);
table.addEventListener("click", (event) => {
  if (event.target.closest("a")) setTimeout(open);
});
open();
stops();
