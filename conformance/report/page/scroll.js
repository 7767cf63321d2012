// A region is a stop of the Tab key only while there is something in it to be scrolled.
const stops = () => {
  for (const each of document.querySelectorAll(".scroll")) {
    const more = each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1;
    if (more) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
};
addEventListener("resize", stops);
document.addEventListener("toggle", stops, true);
