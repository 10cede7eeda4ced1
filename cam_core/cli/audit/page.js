"use strict";
(() => {
  const { columns, rows } = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#rows tbody");
  const heads = [...document.querySelectorAll("#rows thead th")];
  const find = document.getElementById("find"), kind = document.getElementById("kind");
  const count = document.getElementById("count");
  const back = document.getElementById("back"), on = document.getElementById("on");
  const words = (i) => heads[i].classList.contains("words");

  const shown = (value) =>
    value === undefined ? "" : typeof value === "number" ? String(Number(value.toPrecision(4))) :
    typeof value === "boolean" ? (value ? "yes" : "no") : value;

  const table = TableCore.createTable({
    data: rows,
    columns: columns.map((id, i) => ({
      id,
      accessorFn: (row) => row[i] ?? undefined,
      sortUndefined: "last", // whichever way the others go
      sortDescFirst: false,
      sortingFn: words(i) ? (a, b) => a.getValue(id).localeCompare(b.getValue(id)) : "basic",
      filterFn: (row, _, wanted) =>
        wanted === "any" ? row.getValue(id) !== undefined : String(row.getValue(id)) === wanted,
    })),
    getColumnCanGlobalFilter: () => true,
    globalFilterFn: (row, id, text) => shown(row.getValue(id)).toLowerCase().includes(text),
    enableSortingRemoval: false,
    renderFallbackValue: null,
    state: {},
    onStateChange: (change) => {
      const state = typeof change === "function" ? change(table.getState()) : change;
      table.setOptions((known) => ({ ...known, state }));
    },
    getCoreRowModel: TableCore.getCoreRowModel(),
    getFilteredRowModel: TableCore.getFilteredRowModel(),
    getSortedRowModel: TableCore.getSortedRowModel(),
    getPaginationRowModel: TableCore.getPaginationRowModel(),
  });
  table.setOptions((known) => ({
    ...known,
    state: { ...table.initialState, pagination: { pageIndex: 0, pageSize: 100 } },
  }));

  const line = (row) => {
    const found = document.createElement("tr");
    columns.forEach((id, i) => {
      const cell = found.insertCell();
      cell.textContent = shown(row.getValue(id));
      if (words(i)) cell.className = "words";
    });
    return found;
  };

  const draw = () => {
    const some = table.getRowModel().rows, all = table.getFilteredRowModel().rows.length;
    const { pageIndex, pageSize } = table.getState().pagination;
    const first = pageIndex * pageSize;
    body.replaceChildren(...some.map(line));
    const last = first + some.length, photos = all === 1 ? "photo" : "photos";
    count.textContent = `${some.length && first + 1} to ${last} of ${all} ${photos}`;
    back.disabled = !table.getCanPreviousPage();
    on.disabled = !table.getCanNextPage();
    const ways = { asc: "ascending", desc: "descending" };
    heads.forEach((head, i) => {
      const way = ways[table.getColumn(columns[i]).getIsSorted()];
      if (way) head.setAttribute("aria-sort", way);
      else head.removeAttribute("aria-sort");
    });
  };

  const then = (change) => () => { change(); draw(); };
  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", then(() => {
    table.getColumn(columns[i]).toggleSorting();
    table.setPageIndex(0);
  })));
  find.addEventListener("input", then(() => {
    table.setGlobalFilter(find.value.trim().toLowerCase());
    table.setPageIndex(0);
  }));
  kind.addEventListener("input", then(() => {
    const [id, value] = kind.value.split("=");
    table.setColumnFilters(id ? [{ id, value }] : []);
    table.setPageIndex(0);
  }));
  back.addEventListener("click", then(() => table.previousPage()));
  on.addEventListener("click", then(() => table.nextPage()));
  draw();
})();
