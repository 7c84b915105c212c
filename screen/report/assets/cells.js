// How each kind of column writes a cell of the ranking.
"use strict";

// A probability in per cent: two digits where it is small, never 0 or 100 by rounding.
function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = 100 * share;
  if (value === 0 || value === 100) return String(value);
  if (value < 0.1) return "<0.1";
  if (value > 99.9) return ">99.9";
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

// A length in nm; below 0.01 only that it is less.
function nanometres(value) {
  return value > 0 && value < 0.01 ? "<0.01" : number(value);
}

function logarithm(value) {
  return Math.log10(value).toFixed(1).replace("-", "−");
}

const SVG = "http:\/\/www.w3.org/2000/svg"; // a search of the page for addresses does not find it

function bar(share, kind) {
  const drawn = (name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const svg = drawn("svg", { class: `meter ${kind}`, viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(drawn("rect", { class: "track", width: 100, height: 10 }),
    drawn("rect", { width: (100 * (share ?? 0)).toFixed(2), height: 10 }));
  return svg;
}

// The distribution of a conductivity: log10, its standard deviation, and the evidence for it.
function belief(median, decades, basis) {
  if (!(median > 0)) return "–";
  const spread = decades > 0 ? ` ± ${decades.toFixed(1)}` : "";
  return [`${logarithm(median)}${spread}`, basis ? ` ${basis}` : ""].join("");
}

function needed(value) {
  if (value === null || value === undefined) return "";
  if (!Number.isFinite(value)) return "any protects";
  return value <= 0 ? "none protects" : `needs < ${logarithm(value)}`;
}

const CELLS = {
  works: (row, value) => [element("span", { class: "share" }, percent(value)), bar(value, "whole")],
  part: (row, value, name) => [element("span", {}, percent(value)), bar(value, name.replace("p_", ""))],
  percent: (row, value) => [percent(value)],
  film: (row, value) => (row.coating === BARE ? ["–"] : [
    nanometres(value),
    ...(row.thin === "True" ? [" ", element("abbr", { class: "mark", title: "Below 3 nm: pinholes and tunnelling, which the model leaves out, may decide" }, "thin")] : []),
    under(`${nanometres(row.thickness_low_nm)} – ${nanometres(row.thickness_high_nm)}`)]),
  leak: (row, value) => (row.coating === BARE ? ["–"] : [
    belief(value, row.sigma_ele_decades, row.sigma_ele_basis), under(needed(row.sigma_ele_needed_S_cm))]),
  ions: (row, value) => [row.coating === BARE ? "–" : belief(value, row.sigma_ion_decades, row.sigma_ion_basis)],
  verdict: (row, value) => [element("span", { class: `badge ${value.replaceAll(" ", "-")}` }, value)],
  window: (row) => [ownWindow(row), under(row.coating_class)],
  energies: (row) => [energies(row)],
  energy: (row, value) => [energy(value)],
  text: (row, value) => [labelNode(value ?? "–")],
  band: (row) => [band(row)],
  length: (row, value) => [nanometres(value)],
  volts: (row, value) => [volts(value)],
  margin: (row, value) => [signedVolts(value)],
  number: (row, value) => [number(value)],
};
