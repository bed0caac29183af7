/**
 * Enhancements for browsers with JavaScript: theme, filter, a bar's values under a pointer or the arrow keys. Without it the
 * page says the same. It uses no network and no storage, and makes nothing out of text.
 */
export const SCRIPT = `
"use strict";
(() => {
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const one of $("[data-js]")) one.hidden = false;
  const theme = document.getElementById("theme");
  theme.addEventListener("change", () => {
    if (theme.value === "") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
  const find = document.getElementById("find");
  const look = document.getElementById("look");
  const found = document.getElementById("found");
  if (find) {
    const all = $("[data-name]");
    const filter = () => {
      const wanted = find.value.trim().toLowerCase();
      let shown = 0;
      for (const one of all) {
        one.hidden = !one.dataset.name.toLowerCase().includes(wanted) || (look.checked && one.dataset.ok === "1");
        if (!one.hidden && one.tagName === "SECTION") shown++;
      }
      found.textContent = shown + " of " + all.length / 2 + " shown";
    };
    find.addEventListener("input", filter);
    look.addEventListener("change", filter);
  }
  for (const figure of $("figure")) {
    const pick = figure.querySelector(".pick");
    const cursor = figure.querySelector(".cursor");
    const readout = figure.querySelector(".readout");
    const lines = $("tbody tr", figure).map((row) => ({
      at: row.dataset.at.split(" ").map(Number),
      text: [...row.cells].map((cell) => cell.textContent),
    }));
    const show = (n) => {
      const { at: [from, to], text: [time, rows, marks] } = lines[n];
      const words = time + ": " + rows + " rows; " + marks;
      pick.value = n;
      pick.setAttribute("aria-valuetext", words);
      readout.textContent = words;
      cursor.style.left = (from + to) * 50 + "%";
      cursor.hidden = false;
    };
    pick.max = lines.length - 1;
    pick.value = lines.length - 1;
    pick.setAttribute("aria-valuetext", "no bar chosen");
    pick.addEventListener("input", () => show(Number(pick.value)));
    for (const area of $("svg", figure)) {
      area.addEventListener("pointermove", (event) => {
        const box = area.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width;
        const n = lines.findIndex(({ at: [from, to] }) => from <= x && x < to);
        if (n >= 0) show(n);
      });
    }
  }
  addEventListener("beforeprint", () => {
    for (const one of $("details:not([open])")) {
      one.open = true;
      one.dataset.printed = "1";
    }
  });
  addEventListener("afterprint", () => {
    for (const one of $("details[data-printed]")) one.open = false;
  });
})();
`.trim()
