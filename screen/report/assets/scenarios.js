// Scenarios: each is one value of every axis that varies. Coatings are compared inside one.
"use strict";

class Scenarios {
  constructor({ axes, headlines, coatings, always }, onChange) {
    this.axes = axes;
    this.headlines = headlines;
    this.coatings = coatings;
    this.always = new Set(always);
    this.onChange = onChange;
    this.chosen = axes.map((axis) => axis.codes[0]);
    this.selects = axes.map((axis, i) => this.select(axis, i));
  }

  select(axis, i) {
    const select = element("select", { name: axis.name });
    axis.values.forEach((_, code) =>
      select.append(element("option", { value: code }, this.written(axis, code))));
    select.append(element("option", { value: EVERY }, "every one"));
    select.addEventListener("change", () => {
      this.choose(i, select.value === EVERY ? null : Number(select.value));
      this.onChange();
    });
    document.querySelector("#scenario-controls").append(element("label", {}, labelNode(axis.label), " ", select));
    select.value = this.chosen[i];
    return select;
  }

  written(axis, code) {
    const value = axis.values[code];
    return axis.numeric ? `${number(value)} ${axis.unit}`.trim() : typeset(value);
  }

  // Set one axis to a value (null: every one); the others keep theirs if that combination was run.
  choose(i, code) {
    this.chosen[i] = code;
    if (!this.open().length) {
      const agrees = (s) => this.axes.filter((axis, k) => axis.codes[s] === this.chosen[k]).length;
      const fits = this.headlines.map((_, s) => s).filter((s) => this.axes[i].codes[s] === code);
      const best = fits.reduce((a, b) => (agrees(b) > agrees(a) ? b : a), fits[0]);
      this.chosen = this.axes.map((axis, k) => (this.chosen[k] === null ? null : axis.codes[best]));
    }
    this.selects.forEach((select, k) => { select.value = this.chosen[k] ?? EVERY; });
  }

  // Numbers of the scenarios that are chosen.
  open() {
    return this.headlines.map((_, s) => s).filter((s) =>
      this.axes.every((axis, k) => this.chosen[k] === null || axis.codes[s] === this.chosen[k]));
  }

  headline() {
    const open = this.open();
    return open.length === 1 ? this.headlines[open[0]]
      : `${open.length.toLocaleString("en")} scenarios, each ranked by itself`;
  }

  // The values of a scenario, of every axis that varies.
  told(s) {
    return this.axes.map((axis) => this.written(axis, axis.codes[s])).join(" · ");
  }

  value(axis, s) {
    return axis.values[axis.codes[s]] ?? null;
  }

  address() {
    return Object.fromEntries(this.axes.map((axis, k) =>
      [axis.name, this.chosen[k] === null ? EVERY : axis.values[this.chosen[k]]]));
  }

  follow(address) {
    this.axes.forEach((axis, k) => {
      const text = address[axis.name];
      const code = axis.values.findIndex((value) => String(value) === text);
      if (text === EVERY || code >= 0) this.choose(k, text === EVERY ? null : code);
    });
  }

  // SQL that names a scenario to `muli rank`.
  condition(s) {
    return this.axes.map((axis) => {
      const value = this.value(axis, s);
      return axis.numeric ? `${axis.name} = ${value}` : `${axis.name} = '${String(value).replaceAll("'", "''")}'`;
    }).join(" AND ");
  }
}
