// Numbers and names in readable form. Names become text nodes, never markup.
"use strict";

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function scientific(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = String(Number(exponent)).replace(/./g, (c) => SUPERSCRIPT[c]);
  const factor = Number(mantissa);
  return (factor === 1 ? "" : `${factor} × `) + `10${power}`;
}

// Three significant figures; powers of ten for very large and very small numbers.
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

function energy(value) {
  return value === null || value === undefined ? "–" : value.toFixed(0).replace("-", "−").replace(/^−0$/, "0");
}

function energies(row) {
  return `${energy(row.reaction_energy_cathode_meV_atom)} / ${energy(row.reaction_energy_electrolyte_meV_atom)}`;
}

// The packed columns of the page as one object per row; the largest number means infinity.
function unpack(columns) {
  const whole = Object.entries(columns).map(([name, column]) => [name, column.words
    ? column.codes.map((code) => (code < 0 ? null : column.words[code]))
    : Array.isArray(column) ? column.map(endless)
      : column.codes.map((code) => (code < 0 ? null : endless(column.values[code])))]);
  const length = whole.length ? whole[0][1].length : 0;
  return Array.from({ length }, (_, i) => Object.fromEntries(whole.map(([name, values]) => [name, values[i]])));
}

function endless(value) {
  return Math.abs(value) >= Number.MAX_VALUE ? Math.sign(value) * Infinity : value;
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const ELEMENTS = "He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|Zr|Nb|Mo|" +
  "Ru|Rh|Pd|Ag|Cd|In|Sn|Sb|Te|Xe|Cs|Ba|La|Ce|Pr|Nd|Sm|Eu|Gd|Tb|Dy|Ho|Er|Tm|Yb|Lu|Hf|Ta|Re|Os|Ir|Pt|Au|Hg|Tl|Pb|Bi|" +
  "Th|H|B|C|N|O|F|P|S|K|V|Y|I|W|U";
const WORD = /[A-Za-z0-9()[\]]+(?:\.\d[A-Za-z0-9()[\]]*)*|σ[ₑᵢ]/g;
const FORMULA = new RegExp(`^[\\d.]*(?:\\(|\\[)*(?:${ELEMENTS})[\\d.]*(?:(?:${ELEMENTS})[\\d.]*|[()[\\]]\\d*)+$`);
const MEANT = { "σₑ": ["e", "electronic conductivity"], "σᵢ": ["i", "ionic conductivity"] };

function isFormula(word) {
  return /[A-Za-z)\]]\d/.test(word) && FORMULA.test(word);
}

// Digits of chemical formulas as subscripts, for text that takes no elements.
function typeset(text) {
  return text.replace(WORD, (word) => (isFormula(word)
    ? word.replace(/([A-Za-z)\]])(\d+)/g, (_, before, digits) =>
      before + digits.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit])) : word));
}

// The same as nodes: subscripts that copy as plain digits, and symbols with their meaning.
function labelNode(text) {
  const nodes = document.createDocumentFragment();
  let from = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!MEANT[word] && !isFormula(word)) continue;
    nodes.append(text.slice(from, index));
    from = index + word.length;
    if (MEANT[word]) {
      const [letter, title] = MEANT[word];
      nodes.append(element("abbr", { title }, "σ", element("sub", {}, letter)));
    } else word.split(/(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/).forEach((part, k) => // every second: digits
      nodes.append(k % 2 ? element("sub", {}, part) : part));
  }
  nodes.append(text.slice(from));
  return nodes;
}

// Formulas and symbols in the words that the page was written with.
function typesetPage() {
  const skip = "script, style, pre, code, .doi, svg, select, output, bdi bdi, [data-typeset]";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest(skip) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  texts.forEach((node) => node.replaceWith(labelNode(node.data)));
}

// A name from a data file: isolated, so that right-to-left marks stay inside it.
function nameNode(text) {
  return element("bdi", { title: text }, labelNode(text));
}

function under(text) {
  return element("span", { class: "under" }, text ?? "");
}

function download(text, type, filename) {
  const link = element("a", { download: filename, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
