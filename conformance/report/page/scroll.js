// A region is a stop of the Tab key only while there is something in it to be scrolled, and its edges
// fade where there is more.
const edges = (each) => {
  const right = each.scrollWidth - each.clientWidth - each.scrollLeft > 1;
  const below = each.scrollHeight - each.clientHeight - each.scrollTop > 1;
  const more = [each.scrollLeft > 1 && "left", right && "right", below && "below"].filter(Boolean);
  if (more.length) each.dataset.more = more.join(" ");
  else delete each.dataset.more;
};
const stops = () => {
  for (const each of document.querySelectorAll(".scroll")) {
    const more = each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1;
    if (more) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
    edges(each);
  }
};
addEventListener("resize", stops);
document.addEventListener("toggle", stops, true);
document.addEventListener("scroll", (event) => event.target.matches?.(".scroll") && edges(event.target), true);
