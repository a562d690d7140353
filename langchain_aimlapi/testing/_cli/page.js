// Draws a line from each signature to every step in which it went back.
const NS = "http://www.w3.org/2000/svg";
function shape(svg, name, values) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
  svg.append(element);
}
function draw() {
  for (const svg of document.querySelectorAll(".lines")) {
    svg.replaceChildren();
    let lane = 0;
    const steps = svg.parentElement, origin = steps.getBoundingClientRect();
    for (const from of steps.querySelectorAll("[data-from]")) {
      for (const to of steps.querySelectorAll(`[data-to="${from.dataset.from}"]`)) {
        const a = from.getBoundingClientRect(), b = to.getBoundingClientRect();
        const x1 = a.left - origin.left, y1 = a.top + a.height / 2 - origin.top;
        const x2 = b.right - origin.left, y2 = b.top + b.height / 2 - origin.top;
        // Down the gap between the columns, each line in a lane of its own.
        const x = x1 - 28 - 7 * (lane++ % 5), down = y2 > y1 ? 1 : -1, r = 10;
        shape(svg, "path", { d: `M${x1},${y1} H${x + r} Q${x},${y1} ${x},${y1 + r * down} ` +
          `V${y2 - r * down} Q${x},${y2} ${x - r},${y2} H${x2}` });
        shape(svg, "circle", { cx: x1, cy: y1, r: 3.5 });
        shape(svg, "circle", { cx: x2, cy: y2, r: 3.5 });
      }
    }
  }
}
addEventListener("load", draw);
addEventListener("resize", draw);
addEventListener("toggle", draw, true);
