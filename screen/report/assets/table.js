// The ranking: sorted, searched, filtered and exported in the page.
"use strict";

const PAGE_OF_ROWS = 25;

class Ranking {
  constructor(columns, rows, onChoose) {
    this.columns = columns.filter((column) => !rows.length || column.name in rows[0]);
    this.rows = rows;
    this.searchable = this.rows.map((row) =>
      Object.values(row).filter((v) => typeof v === "string").join(" ").toLowerCase());
    this.onChoose = onChoose;
    this.sort = { column: null, descending: false };
    this.visible = PAGE_OF_ROWS;
    this.head = document.querySelector("#ranking thead tr");
    this.body = document.querySelector("#ranking tbody");
    this.search = document.querySelector("#search");
    this.feasibleOnly = document.querySelector("#feasible-only");
    this.once = document.querySelector("#once");
    this.once.checked = rows.length > new Set(rows.map((row) => row.coating)).size;
    this.once.closest("label").hidden = !this.once.checked;
    this.selects = [...document.querySelectorAll("#ranking-controls select")];
    this.drawHead();
    this.listen();
    this.draw();
  }

  listen() {
    const restart = () => { this.visible = PAGE_OF_ROWS; this.draw(); };
    this.search.addEventListener("input", restart);
    this.feasibleOnly.addEventListener("change", restart);
    this.once.addEventListener("change", restart);
    for (const select of this.selects) {
      const values = [...new Set(this.rows.map((row) => row[select.name]))];
      values.forEach((value) => select.append(element("option", { value }, value)));
      select.closest("label").hidden = values.length < 2;
      select.addEventListener("change", restart);
    }
    document.querySelector("#more").addEventListener("click", () => {
      this.visible += 4 * PAGE_OF_ROWS;
      this.draw();
    });
    document.querySelector("#export").addEventListener("click", () =>
      download(this.csv(), "text/csv;charset=utf-8", "muli-ranking.csv"));
  }

  drawHead() {
    for (const column of this.columns.filter((c) => c.shown)) {
      const button = element("button", { type: "button", title: column.hint }, column.label);
      if (column.unit) button.append(" ", element("span", { class: "unit" }, column.unit));
      button.addEventListener("click", () => this.sortBy(column.name));
      const cell = element("th", { scope: "col", class: column.kind, "data-column": column.name }, button);
      this.head.append(cell);
    }
  }

  sortBy(name) {
    const same = this.sort.column === name;
    this.sort = { column: name, descending: same && !this.sort.descending };
    this.draw();
  }

  chosen() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const indices = this.rows.map((_, i) => i).filter((i) =>
      words.every((word) => this.searchable[i].includes(word)) &&
      this.selects.every((s) => !s.value || this.rows[i][s.name] === s.value) &&
      (!this.feasibleOnly.checked || this.rows[i].feasible === "yes"));
    if (this.sort.column !== null)
      indices.sort((a, b) => this.compare(this.rows[a], this.rows[b]) || a - b);
    return this.once.checked ? this.firstOfEach(indices) : indices;
  }

  // The first row of every coating, as they are chosen and sorted.
  firstOfEach(indices) {
    const seen = new Set();
    return indices.filter((i) => !seen.has(this.rows[i].coating) && seen.add(this.rows[i].coating));
  }

  // Missing values come last whichever way the column is sorted.
  compare(a, b) {
    const [x, y] = [a[this.sort.column], b[this.sort.column]];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x < y ? -1 : x > y ? 1 : 0;
    return this.sort.descending ? -order : order;
  }

  draw() {
    const indices = this.chosen();
    for (const cell of this.head.children) {
      const active = cell.dataset.column === this.sort.column;
      cell.setAttribute("aria-sort", !active ? "none" : this.sort.descending ? "descending" : "ascending");
    }
    this.body.replaceChildren(...indices.slice(0, this.visible).map((i) => this.line(this.rows[i], i)));
    document.querySelector("#shown").textContent =
      `${Math.min(this.visible, indices.length)} of ${indices.length.toLocaleString("en")} rows shown`;
    document.querySelector("#more").hidden = indices.length <= this.visible;
  }

  line(row, index) {
    const line = element("tr");
    for (const column of this.columns.filter((c) => c.shown)) line.append(this.cell(row, column));
    const open = line.querySelector("button");
    open.addEventListener("click", () => this.onChoose(index));
    return line;
  }

  cell(row, column) {
    const value = row[column.name];
    if (column.name === "coating") {
      const button = element("button", { type: "button", class: "open", title: "Look inside this stack" },
        nameNode(value));
      const why = element("span", { class: "why" }, row.why ?? "");
      return element("th", { scope: "row" }, button, why);
    }
    const cell = element("td", { class: column.kind, "data-label": `${column.label} ${column.unit}` });
    if (column.kind === "verdict") cell.append(element("span", { class: `badge ${value.replaceAll(" ", "-")}` }, value));
    else if (column.kind === "name") cell.append(nameNode(value ?? "–"));
    else if (column.kind === "cathode") cell.append(...twoLines(value));
    else if (column.kind === "window") cell.append(ownWindow(row), under(row.coating_class));
    else if (column.kind === "energies") cell.append(energies(row));
    else if (column.kind === "text") cell.append(value ?? "–");
    else if (column.kind === "band") cell.append(band(row));
    else if (column.kind === "volts") cell.append(volts(value));
    else if (column.kind === "margin") cell.append(signedVolts(value));
    else cell.append(number(value));
    return cell;
  }

  // Spreadsheets run cells that start with these characters, also behind blanks: a quote in front
  // keeps them text. `muli rank --csv` has the same rule.
  csv() {
    const field = (value) => {
      if (value === null || value === undefined) return "";
      let text = String(value);
      if (typeof value === "string" && /^[ \u00a0\u3000\ufeff\u200b]*[=+\-@\t\r\n＝＋－＠]/.test(text)) text = "'" + text;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const names = this.columns.map((column) => column.name);
    const lines = this.chosen().map((i) => names.map((name) => field(this.rows[i][name])).join(","));
    return [names.join(","), ...lines].join("\r\n") + "\r\n";
  }
}
