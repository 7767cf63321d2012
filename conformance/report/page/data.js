// The numbers of the page: inflated once, then found by address.
const inflate = async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

const byAddress = new Map();
const loaded = inflate(document.getElementById("data").textContent.trim()).then((bytes) => {
  for (const each of JSON.parse(new TextDecoder().decode(bytes))) {
    for (const verdict of each.verdicts) byAddress.set(verdict.at, { ...verdict, of: each });
  }
});

// What comes from the subject is text and never markup: everything is made of nodes.
const make = (name, attributes = {}, ...children) => {
  const spaces = { svg: 1, rect: 1, line: 1, text: 1, title: 1, g: 1 };
  const node = spaces[name]
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((each) => each !== null));
  return node;
};
