// Numbers and names as people read them. Names only ever become text nodes, never markup.
"use strict";

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function scientific(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = String(Number(exponent)).replace(/./g, (c) => SUPERSCRIPT[c]);
  const factor = Number(mantissa);
  return (factor === 1 ? "" : `${factor} × `) + `10${power}`;
}

// Three significant figures; powers of ten where plain digits would hide the size.
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3
    ? scientific(value, digits)
    : String(Number(value.toPrecision(size >= 1000 ? 4 : digits)));
  return text.replace("-", "−");
}

// The thicknesses that protect and can be afforded; empty where the least exceeds the largest.
function band({ min_thickness_nm: least, max_thickness_nm: most }) {
  if (least === null) return most === null ? "–" : `? – ${number(most)}`;
  return least <= most ? `${number(least)} – ${number(most)}` : `none (${number(least)} > ${number(most)})`;
}

function volts(value) {
  return value === null || value === undefined ? "–" : value.toFixed(2).replace("-", "−");
}

function signedVolts(value) {
  return value === null || value === undefined ? "–" : (value >= 0 ? "+" : "") + volts(value);
}

// The coating's own stability window.
function ownWindow({ coating_reduction_limit_V: low, coating_oxidation_limit_V: high }) {
  return low === null && high === null ? "–" : `${low === null ? "?" : volts(low)} – ${high === null ? "?" : volts(high)}`;
}

function energies(row) {
  const shown = (value) => (value === null || value === undefined ? "–" : value.toFixed(0).replace("-", "−").replace("−0", "0"));
  return `${shown(row.reaction_energy_cathode_meV_atom)} / ${shown(row.reaction_energy_electrolyte_meV_atom)}`;
}

// Columns as the page carries them, back to one object a row; the largest number means infinity.
function unpack(columns) {
  const whole = Object.entries(columns).map(([name, column]) => [name, column.words
    ? column.codes.map((code) => (code < 0 ? null : column.words[code]))
    : column.map((value) => (Math.abs(value) >= Number.MAX_VALUE ? Math.sign(value) * Infinity : value))]);
  const length = whole.length ? whole[0][1].length : 0;
  return Array.from({ length }, (_, i) => Object.fromEntries(whole.map(([name, values]) => [name, values[i]])));
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A name from a data file: isolated, so that right-to-left marks stay inside it.
function nameNode(text) {
  return element("bdi", { title: text }, text);
}

function under(text) {
  return element("span", { class: "under" }, text ?? "");
}

// What stands before the first comma, and the rest below it.
function twoLines(text) {
  const [first, ...rest] = (text ?? "–").split(", ");
  return rest.length ? [nameNode(first), under(rest.join(", "))] : [nameNode(first)];
}

function download(text, type, filename) {
  const link = element("a", { download: filename, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
