"use strict";
(() => {
  const { columns, rows } = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#rows tbody");
  const heads = [...document.querySelectorAll("#rows thead th")];
  const find = document.getElementById("find"), kind = document.getElementById("kind");
  const count = document.getElementById("count");
  const back = document.getElementById("back"), on = document.getElementById("on");
  const PAGE = 100;
  let sorted = -1, down = false, page = 0;

  const shown = (value) =>
    value === null ? "" : typeof value === "number" ? String(Number(value.toPrecision(4))) :
    typeof value === "boolean" ? (value ? "yes" : "no") : value;

  // what has no value stands last, whichever way the others go
  const compare = (a, b) => {
    const x = a[sorted], y = b[sorted];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return down ? -order : order;
  };

  const kept = () => {
    const text = find.value.trim().toLowerCase();
    const [name, wanted] = kind.value.split("=");
    const at = columns.indexOf(name);
    return rows.filter((row) =>
      (at < 0 || (wanted === "any" ? row[at] !== null : String(row[at]) === wanted)) &&
      (!text || row.some((value) => shown(value).toLowerCase().includes(text))));
  };

  const draw = () => {
    const found = kept();
    if (sorted >= 0) found.sort(compare);
    const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    page = Math.min(page, last);
    const some = found.slice(page * PAGE, (page + 1) * PAGE);
    body.replaceChildren(...some.map((row) => {
      const line = document.createElement("tr");
      row.forEach((value, i) => {
        const cell = line.insertCell();
        cell.textContent = shown(value);
        if (heads[i].classList.contains("words")) cell.className = "words";
      });
      return line;
    }));
    const first = found.length ? page * PAGE + 1 : 0;
    count.textContent = `${first} to ${page * PAGE + some.length} of ${found.length} photos`;
    back.disabled = page === 0;
    on.disabled = page === last;
  };

  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
    down = sorted === i && !down;
    sorted = i;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    page = 0;
    draw();
  }));
  for (const input of [find, kind]) input.addEventListener("input", () => { page = 0; draw(); });
  back.addEventListener("click", () => { page -= 1; draw(); });
  on.addEventListener("click", () => { page += 1; draw(); });
  draw();
})();
