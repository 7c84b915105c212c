// The what-if panel: sliders for the quantities of a stack, and results computed from them.
"use strict";

const QUANTITIES = [
  { name: "coating_thickness_nm", label: "Coating thickness", unit: "nm", low: 0.1, high: 1000, log: true },
  { name: "coating_sigma_ion_S_cm", label: "Coating σᵢ", unit: "S/cm", low: 1e-14, high: 1e-2, log: true },
  { name: "coating_sigma_ele_S_cm", label: "Coating σₑ", unit: "S/cm", low: 1e-18, high: 1e-4, log: true },
  { name: "electrolyte_thickness_um", label: "Electrolyte thickness", unit: "µm", low: 1, high: 1000, log: true },
  { name: "electrolyte_sigma_ion_S_cm", label: "Electrolyte σᵢ", unit: "S/cm", low: 1e-7, high: 1e-1, log: true },
  { name: "electrolyte_sigma_ele_S_cm", label: "Electrolyte σₑ", unit: "S/cm", low: 1e-14, high: 1e-4, log: true },
  { name: "cathode_potential_V", label: "Cathode potential", unit: "V", low: 1, high: 5.5, log: false, any: true },
  { name: "anode_electrode_V", label: "Anode potential", unit: "V", low: 0, high: 2.5, log: false, any: true },
  { name: "temperature_K", label: "Temperature", unit: "K", low: 233, high: 393, log: false },
  { name: "current_density_mA_cm2", label: "Current, charging +", unit: "mA/cm²", low: -10, high: 10, log: false, any: true },
  { name: "asr_budget_ohm_cm2", label: "Resistance budget", unit: "Ω cm²", low: 0.1, high: 1000, log: true },
];
const GROWTH = [
  { name: "ageing_years", label: "Time after contact", unit: "years", low: 1e-4, high: 100, log: true },
  { name: "interphase_sigma_ion_S_cm", label: "Interphase σᵢ", unit: "S/cm", low: 1e-12, high: 1e-2, log: true },
  { name: "interphase_sigma_ele_S_cm", label: "Interphase σₑ", unit: "S/cm", low: 1e-18, high: 1e-4, log: true },
  { name: "coverage", label: "Covered share", unit: "", low: 0, high: 1, log: false, any: true, within: true },
  { name: "hole_radius_nm", label: "Radius of holes", unit: "nm", low: 1, high: 1000, log: true },
];
const STEPS = 1000;
const MAP_POINTS = 160;

class WhatIf {
  constructor(pictures, tolerance) {
    this.pictures = pictures;
    this.tolerance = tolerance;
    this.controls = {};
    const fields = document.querySelector("#whatif-controls");
    fields.append(...QUANTITIES.map((each) => this.control(each)),
      element("h3", {}, "Interphases that grow"), ...GROWTH.map((each) => this.control(each)));
  }

  control(quantity) {
    const id = `whatif-${quantity.name}`;
    const slider = element("input", { type: "range", id, min: 0, max: STEPS, step: 1 });
    const exact = element("input", { type: "text", inputmode: "decimal", autocomplete: "off",
      "aria-label": `${quantity.label} in ${quantity.unit}, exact value`, name: quantity.name });
    slider.addEventListener("input", () => this.set(quantity, this.fromSlider(quantity, +slider.value)));
    exact.addEventListener("change", () => {
      const value = Number(exact.value);
      const valid = exact.value.trim() !== "" && Number.isFinite(value) && (quantity.any || value > 0)
        && (!quantity.within || (value >= quantity.low && value <= quantity.high));
      exact.setAttribute("aria-invalid", String(!valid));
      if (valid) this.set(quantity, value);
    });
    this.controls[quantity.name] = { slider, exact };
    return element("div", { class: "control" },
      element("label", { for: id }, quantity.label), slider, exact,
      element("span", { class: "unit" }, quantity.unit));
  }

  fromSlider({ low, high, log }, step) {
    const t = step / STEPS;
    return Number((log ? low * (high / low) ** t : low + (high - low) * t).toPrecision(3));
  }

  toSlider({ low, high, log }, value) {
    const t = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return Math.round(Math.min(1, Math.max(0, t)) * STEPS);
  }

  set(quantity, value) {
    if (quantity.name === "temperature_K") this.warm(value);
    this.state[quantity.name] = value;
    this.refresh();
  }

  // Conductivities depend on the temperature as in a run.
  warm(temperature) {
    for (const role of ["coating", "electrolyte"]) for (const kind of ["sigma_ion", "sigma_ele"])
      this.state[`${role}_${kind}_S_cm`] *= arrhenius(kind,
        this.state[`${role}_${kind}_activation_eV`], this.state.temperature_K, temperature);
  }

  // Start from one row of the ranking.
  open(start) {
    this.state = { ...start };
    document.querySelector("#whatif-coating").replaceChildren(nameNode(start.coating));
    document.querySelector("#whatif-electrolyte").replaceChildren(nameNode(start.electrolyte));
    document.querySelector("#whatif-place").replaceChildren(labelNode(placed(start)));
    document.querySelector("#whatif-notes").replaceChildren(
      ...[...(start.notes ?? "").split(" • "), heldNote(start)].filter(Boolean)
        .map((note) => element("li", {}, labelNode(note))));
    this.refresh();
  }

  refresh() {
    for (const quantity of [...QUANTITIES, ...GROWTH]) {
      const { slider, exact } = this.controls[quantity.name];
      const value = this.state[quantity.name];
      slider.value = this.toSlider(quantity, value);
      slider.setAttribute("aria-valuetext", `${number(value)} ${quantity.unit}`);
      const short = Number(value.toPrecision(5));
      exact.value = short !== 0 && Math.abs(short) < 1e-3 ? short.toExponential() : String(short);
      exact.setAttribute("aria-invalid", "false");
    }
    const answer = { ...solveStack(this.state), ...ageCell(this.state) };
    document.querySelector("#whatif").dataset.state = JSON.stringify(this.state);
    this.tell(answer);
    this.pictures.update("whatif-profile", profileTables(this.state, answer));
    this.pictures.update("whatif-map", mapTables(this.state));
    this.pictures.update("whatif-growth", ageingTables(this.state));
  }

  tell(answer) {
    document.querySelectorAll("[data-answer]").forEach((node) => {
      const value = answer[node.dataset.answer];
      node.dataset.value = String(value);
      node.textContent = { volts, margin: signedVolts }[node.dataset.kind]?.(value) ?? number(value);
    });
    const [verdict, sentence] = judge(this.state, answer, this.tolerance);
    const badge = document.querySelector("#whatif-verdict");
    badge.textContent = verdict;
    badge.className = `badge ${verdict.replaceAll(" ", "-")}`;
    document.querySelector("#whatif-why").replaceChildren(labelNode(sentence));
  }
}

// Adds the products of a row's electrolyte, and initial values of the growth sliders.
function withGrowth(start, { products, ...settings }) {
  const own = products[start.electrolyte];
  return { ...start, ...settings, products: own,
    interphase_sigma_ion_S_cm: own.coated.sigma_ion_S_cm, interphase_sigma_ele_S_cm: own.coated.sigma_ele_S_cm };
}

// An unknown sigma_ele starts at the largest value that still protects.
function complete(start) {
  if (start.coating_sigma_ele_S_cm !== null) return start;
  const limit = start.electrolyte_oxidation_limit_V;
  const most = limit === null ? 1e-12 : sigmaEleForInterface(start, limit, start.coating_thickness_nm);
  const held = Math.min(1e-4, Math.max(1e-18, most));
  const unit = 10 ** (Math.floor(Math.log10(held)) - 3);
  return { ...start, coating_sigma_ele_S_cm: Number((Math.floor(held / unit) * unit).toPrecision(4)) };
}

// Conductivities that do not change with temperature; empty if all change.
function heldNote(start) {
  const held = QUANTITIES.filter(({ name }) => name.includes("_sigma_") &&
    !start[name.replace("_S_cm", "_activation_eV")]).map(({ label }) => label);
  return held.length ? `Temperature leaves constant: ${held.join(", ")}. No activation energy is known, ` +
    "or the spec gives the value at this temperature." : "";
}

// Why a coating has its place in the ranking, from the numbers of its row.
function placed(row) {
  if (row.p_works === undefined) return row.why ?? "";
  const said = [`Number ${row.rank}${row.tied === "True" ? " (tied)" : ""} of this scenario: works with ${percent(row.p_works)} %, ${row.decides} decides`];
  if (Number.isFinite(row.sigma_ele_needed_S_cm) && row.sigma_ele_needed_S_cm > 0)
    said.push(`at ${nanometres(row.film_nm)} nm it blocks electrons where log₁₀ σₑ is below ` +
      `${logarithm(row.sigma_ele_needed_S_cm)}; its own is put at ` +
      belief(row.sigma_ele_median_S_cm, row.sigma_ele_decades, `(${row.sigma_ele_basis})`));
  if (row.asr_median_ohm_cm2 !== null)
    said.push(`it costs ${number(row.asr_median_ohm_cm2)} Ω cm² with log₁₀ σᵢ at ` +
      belief(row.sigma_ion_median_S_cm, row.sigma_ion_decades, `(${row.sigma_ion_basis})`));
  return `${said.join("; ")}.`;
}

// The verdict and the constraint that binds, in the order in which a cell would fail.
function judge(s, a, tolerance) {
  const E = `${volts(a.interface_potential_V)} V`;
  if (a.protected === null)
    return ["open", `The electrolyte meets ${E}; a limit of its window is not known.`];
  if (a.oxidised)
    return ["fails", `The electrolyte meets ${E}, ${volts(-a.oxidation_margin_V)} V above its limit. ` +
      (Number.isFinite(a.min_thickness_nm)
        ? `It needs ${number(a.min_thickness_nm)} nm, or σₑ below ${number(a.max_sigma_ele_S_cm)} S/cm.`
        : "No thickness protects it: its limit lies below the anode.")];
  if (a.reduction_margin_V !== null && a.reduction_margin_V < 0)
    return ["fails", `The coating blocks so well that the electrolyte falls to ${E}, ` +
      `${volts(-a.reduction_margin_V)} V below its reduction limit.`];
  if (!a.affordable)
    return ["too resistive", `It protects, but costs ${number(a.asr_coating_ohm_cm2)} Ω cm²; ` +
      `the budget allows ${number(s.asr_budget_ohm_cm2 * s.coating_sigma_ion_S_cm / CM_PER_NM)} nm.`];
  const worst = [["oxidises", a.coating_oxidation_margin_V], ["is reduced", a.coating_reduction_margin_V]]
    .filter(([, m]) => m !== null && m < 0);
  const own = worst.map(([word, m]) => `the coating itself ${word}, ${volts(-m)} V outside its computed window` +
    (-m <= tolerance ? " (within its error)" : "")).join("; ");
  return ["protects", `The electrolyte meets ${E}, ${volts(a.oxidation_margin_V)} V inside its limit, ` +
    `for ${number(a.asr_coating_ohm_cm2)} Ω cm².` + (own ? ` But ${own}.` : "")];
}

// E(x) with each layer drawn one unit wide, and the two windows as bands.
function profileTables(s, a) {
  const curve = [
    { x: 0, E: a.anode_side_V, where: "anode side" },
    { x: 1, E: a.interface_potential_V, where: "electrolyte | coating" },
    { x: 2, E: s.cathode_potential_V, where: "cathode side" },
  ];
  const layers = [["electrolyte", 0, `${number(s.electrolyte_thickness_um)} µm`],
    ["coating", 1, `${nanometres(s.coating_thickness_nm)} nm`]];
  const windows = layers.map(([layer, x, size]) => ({ layer, x, x2: x + 1, title: `${s[layer]}, ${size}`,
    low: s[`${layer}_reduction_limit_V`], high: s[`${layer}_oxidation_limit_V`] }));
  return {
    curve, titles: windows,
    bands: windows.filter(({ low, high }) => low !== null && high !== null && low < high),
    limits: windows.filter(({ low, high }) => (low === null) !== (high === null))
      .map(({ low, high, ...rest }) => ({ ...rest, E: low ?? high })),
  };
}

// The region of thickness and sigma_ele that protects within the budget, and the sliders' point.
function mapTables(s) {
  const floor = Math.max(s.electrolyte_reduction_limit_V ?? -Infinity, s.coating_reduction_limit_V ?? -Infinity);
  const [low, high] = [1e-18, 1e-4];
  const clip = (v) => Math.min(high, Math.max(low, v));
  const most = s.asr_budget_ohm_cm2 * s.coating_sigma_ion_S_cm / CM_PER_NM;
  const region = [];
  const limit = [];
  for (let i = 0; i <= MAP_POINTS && s.electrolyte_oxidation_limit_V !== null; i++) {
    const thickness = 0.1 * 10 ** (4 * i / MAP_POINTS);
    const top = clip(sigmaEleForInterface(s, s.electrolyte_oxidation_limit_V, thickness));
    const bottom = Number.isFinite(floor) ? clip(sigmaEleForInterface(s, floor, thickness)) : low;
    limit.push({ thickness, top });
    if (thickness <= most && bottom < top) region.push({ thickness, top, bottom });
  }
  return {
    region, limit, budget: most >= 0.1 && most <= 1000 ? [{ most }] : [],
    here: [{ thickness: s.coating_thickness_nm, sigma: s.coating_sigma_ele_S_cm }],
    words: mapWords(region, limit, most),
  };
}

function mapWords(region, limit, most) {
  const words = [];
  const middle = (a, b) => Math.sqrt(a * b);
  const left = limit[Math.round(MAP_POINTS / 4)];
  if (left && left.top < 1e-7) words.push({ thickness: left.thickness, sigma: left.top * 1e3, text: "leaks too much" });
  const inside = region[Math.floor(region.length / 2)];
  if (inside && inside.top > 300 * inside.bottom) words.push({ thickness: inside.thickness, sigma: middle(inside.top, inside.bottom), text: "works" });
  if (most >= 0.1 && most <= 60) words.push({ thickness: middle(most, 1000), sigma: 1e-17, text: "costs too much" });
  return words;
}
