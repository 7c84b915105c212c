// The ranking: one scenario at a time in the order of `muli rank`; searched, sorted and exported.
"use strict";

const PAGE_OF_ROWS = 25;
const BARE = "none";

class Ranking {
  constructor({ columns, rows, scenarios, folders }, onChoose) {
    this.columns = columns.filter((column) => !rows.length || column.name in rows[0]);
    this.rows = rows;
    this.folders = folders;
    this.carried = scenarios.coatings.map(() => 0);
    rows.forEach((row) => { this.carried[row.scenario] += 1; });
    this.onChoose = onChoose;
    this.searchable = rows.map((row) =>
      Object.values(row).filter((v) => typeof v === "string").join(" ").toLowerCase());
    this.sort = { column: null, descending: false };
    this.visible = PAGE_OF_ROWS;
    this.open = null;
    this.head = document.querySelector("#ranking thead tr");
    this.body = document.querySelector("#ranking tbody");
    this.search = document.querySelector("#search");
    this.feasibleOnly = document.querySelector("#feasible-only");
    this.scenarios = new Scenarios(scenarios, () => this.moved());
    this.family = this.families();
    this.offerColumns();
    this.listen();
    this.draw();
  }

  families() {
    const select = document.querySelector("#family");
    const values = [...new Set(this.rows.map((row) => row.family))].filter(Boolean).sort();
    values.forEach((value) => select.append(element("option", { value }, value)));
    select.closest("label").hidden = values.length < 2;
    return select;
  }

  listen() {
    const restart = () => { this.visible = PAGE_OF_ROWS; this.draw(); };
    for (const input of [this.search, this.feasibleOnly, this.family])
      input.addEventListener(input === this.search ? "input" : "change", restart);
    this.feasibleOnly.closest("label").hidden =
      !this.rows.some((row) => row.verdict === "protects") || this.probable();
    document.querySelector("#more").addEventListener("click", () => {
      this.visible += 4 * PAGE_OF_ROWS;
      this.draw();
    });
    document.querySelector("#export").addEventListener("click", () =>
      download(this.csv(), "text/csv;charset=utf-8", "muli-ranking.csv"));
  }

  probable() {
    return this.rows.some((row) => "p_works" in row);
  }

  offerColumns() {
    const list = document.querySelector("#columns div");
    for (const column of this.columns.filter((c) => c.name !== "coating")) {
      const box = element("input", { type: "checkbox" });
      box.checked = column.shown;
      box.addEventListener("change", () => { column.shown = box.checked; this.draw(); });
      list.append(element("label", { class: "check" }, box, " ", labelNode(column.label)));
    }
  }

  // Another scenario: changes the table and the open row.
  moved() {
    this.visible = PAGE_OF_ROWS;
    const [scenario] = this.scenarios.open();
    const same = this.find(scenario, this.open === null ? null : this.rows[this.open].coating);
    this.draw();
    if (same !== null) this.onChoose(same, false);
  }

  // The row of a coating in a scenario; the scenario's first coating where it has none.
  find(scenario, coating) {
    const mine = this.rows.map((_, i) => i).filter((i) =>
      this.rows[i].scenario === scenario && this.rows[i].coating !== BARE);
    return mine.find((i) => this.rows[i].coating === coating) ?? mine[0] ?? null;
  }

  address() {
    const coating = this.open === null ? {} : { coating: this.rows[this.open].coating };
    return { ...this.scenarios.address(), ...coating };
  }

  // Opens what an address names, and shows its row.
  follow(address) {
    this.scenarios.follow(address);
    const [scenario] = this.scenarios.open();
    const index = this.find(scenario, address.coating ?? null);
    if (index === null) return this.draw();
    const at = this.chosen().indexOf(index);
    this.visible = Math.max(this.visible, at + 1);
    this.onChoose(index, false);
    if (address.coating) this.body.querySelector(".open-row")?.scrollIntoView({ block: "center" });
  }

  chosen() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const open = new Set(this.scenarios.open());
    const indices = this.rows.map((_, i) => i).filter((i) => open.has(this.rows[i].scenario) &&
      words.every((word) => this.searchable[i].includes(word)) &&
      (!this.family.value || this.rows[i].family === this.family.value) &&
      (!this.feasibleOnly.checked || this.rows[i].feasible === "yes"));
    if (this.sort.column !== null)
      indices.sort((a, b) => this.compare(this.rows[a], this.rows[b]) || a - b);
    return indices;
  }

  // Missing values come last whichever way the column is sorted.
  compare(a, b) {
    const [x, y] = [a[this.sort.column], b[this.sort.column]];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x < y ? -1 : x > y ? 1 : 0;
    return this.sort.descending ? -order : order;
  }

  sortBy(name) {
    const same = this.sort.column === name;
    const ranked = name === "rank" && !same;
    this.sort = ranked ? { column: null, descending: false }
      : { column: name, descending: same && !this.sort.descending };
    this.draw();
  }

  drawHead() {
    this.head.replaceChildren(...this.columns.filter((c) => c.shown).map((column) => {
      const button = element("button", { type: "button", title: column.hint }, labelNode(column.label));
      if (column.unit) button.append(" ", element("span", { class: "unit" }, column.unit));
      button.addEventListener("click", () => this.sortBy(column.name));
      const active = column.name === (this.sort.column ?? "rank");
      return element("th", { scope: "col", class: column.kind, "data-column": column.name,
        "aria-sort": !active ? "none" : this.sort.descending ? "descending" : "ascending" }, button);
    }));
  }

  draw() {
    const indices = this.chosen();
    this.drawHead();
    document.querySelector("#headline").replaceChildren(labelNode(this.scenarios.headline()));
    const { lines, count } = this.lines(indices);
    this.body.replaceChildren(...lines);
    document.querySelector("#shown").textContent =
      `${count.toLocaleString("en")} of ${indices.length.toLocaleString("en")} rows shown`;
    document.querySelector("#more").hidden = count >= indices.length;
  }

  // Whether the whole ranking is shown: nothing is searched, filtered or sorted.
  whole() {
    return this.sort.column === null && !this.search.value && !this.family.value && !this.feasibleOnly.checked;
  }

  // Rows as far as they are shown. In a whole ranking every scenario has its heading where there
  // are several, the bare cell and the reference coatings, and what is left out is counted.
  lines(indices) {
    if (!this.whole()) {
      const shown = indices.slice(0, this.visible);
      const place = (k) => (this.sort.column === null ? null : k + 1);
      return { lines: shown.map((i, k) => this.line(this.rows[i], i, place(k))), count: shown.length };
    }
    const lines = [];
    let [count, seen] = [0, 0];
    for (const scenario of this.scenarios.open()) {
      if (seen >= this.visible) break;
      const mine = indices.filter((i) => this.rows[i].scenario === scenario);
      const shown = mine.filter((i, k) => seen + k < this.visible || this.scenarios.always.has(this.rows[i].coating));
      if (this.scenarios.open().length > 1)
        lines.push(this.across("group", labelNode(this.scenarios.headlines[scenario])));
      shown.forEach((i, k) => {
        const before = k ? this.rows[shown[k - 1]].place : 0;
        lines.push(...this.gap(scenario, before, this.rows[i].place - 1), this.line(this.rows[i], i, null));
      });
      lines.push(...this.gap(scenario, shown.length ? this.rows[shown.at(-1)].place : 0, null));
      seen += mine.length;
      count += shown.length;
    }
    return { lines, count };
  }

  // How many coatings of a scenario are after a place and up to another (null: the last).
  gap(scenario, before, last) {
    const all = this.scenarios.coatings[scenario];
    const left = (last ?? all) - before;
    if (left <= 0) return [];
    const text = `${left} more, screened, ${last === null ? "below" : "between"}`;
    if (this.carried[scenario] === all) return [this.across("gap", text)];
    const condition = this.scenarios.condition(scenario);
    return [this.across("gap", `${text}: `, element("code", {},
      `muli rank ${this.folders}${condition ? ` --where "${condition}"` : ""} --top ${all}`))];
  }

  across(kind, ...content) {
    const cell = element("td", { colspan: this.columns.filter((c) => c.shown).length }, ...content);
    return element("tr", { class: kind }, cell);
  }

  line(row, index, place) {
    const kind = this.scenarios.always.has(row.coating) ? "reference" : "";
    const line = element("tr", { class: `${kind} ${index === this.open ? "open-row" : ""}`, "data-coating": row.coating });
    for (const column of this.columns.filter((c) => c.shown)) line.append(this.cell(row, column, index, place));
    return line;
  }

  cell(row, column, index, place) {
    if (column.kind === "coating") return this.coating(row, index);
    const cell = element("td", { class: column.kind, "data-label": `${column.label} ${column.unit}` });
    if (column.kind === "rank") {
      const rank = `${row.rank}${row.tied === "True" ? "=" : ""}`;
      cell.append(...(place === null ? [rank] : [String(place), under(`rank ${rank}`)]));
    } else if (column.kind === "scenario") cell.append(this.scenarios.told(row.scenario));
    else cell.append(...CELLS[column.kind](row, row[column.name], column.name));
    return cell;
  }

  coating(row, index) {
    const cell = element("th", { scope: "row" });
    if (row.coating === BARE) cell.append(nameNode(BARE), under("bare cell"));
    else {
      const button = element("button", { type: "button", class: "open", title: "Look inside this stack" }, nameNode(row.coating));
      button.addEventListener("click", () => this.onChoose(index, true));
      cell.append(button);
      if (row.sources_in_cells) cell.append(" ", element("abbr", { class: "mark",
        title: `${row.sources_in_cells} published sources of this library used it in a cell` }, `in cells ${row.sources_in_cells}`));
      if (this.scenarios.always.has(row.coating)) cell.append(under("reference"));
    }
    if (row.why) cell.append(element("span", { class: "why" }, labelNode(row.why)));
    return cell;
  }

  // Spreadsheets run cells that start with these characters, also after blanks: a leading quote
  // keeps them text. `muli rank --csv` has the same rule.
  csv() {
    const field = (value) => {
      if (value === null || value === undefined) return "";
      let text = String(value);
      if (typeof value === "string" && /^[ \u00a0\u3000\ufeff\u200b]*[=+\-@\t\r\n＝＋－＠]/.test(text)) text = "'" + text;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const axes = this.scenarios.axes;
    const carried = this.rows.length ? Object.keys(this.rows[0]) : this.columns.map((column) => column.name);
    const names = carried.filter((name) => !["scenario", ...axes.map((axis) => axis.name)].includes(name));
    const lines = this.chosen().map((i) => [
      ...axes.map((axis) => field(this.scenarios.value(axis, this.rows[i].scenario))),
      ...names.map((name) => field(this.rows[i][name]))].join(","));
    return [[...axes.map((axis) => axis.name), ...names].join(","), ...lines].join("\r\n") + "\r\n";
  }
}
