// Interphases that grow in a cell of two layers, and holes in its coating: the closed form of
// docs/ageing.md, constant laws, at open circuit and planar. Lengths cm, times s.
"use strict";

const SECONDS_PER_YEAR = 3.15576e7;
const LEAST_COVERAGE = 0.1; // below it holes have merged: both shares are independent
const LONGEST_S = 1e6 * SECONDS_PER_YEAR;

// (1 - e^-x)/x, (x - 1 + e^-x)/x^2 and -ln(1 - u)/u, smooth at 0.
function decayRatio(x) { return x < 1e-8 ? 1 - x / 2 : -Math.expm1(-x) / x; }
function chi(x) {
  if (x >= 0.3) return (x + Math.expm1(-x)) / (x * x);
  let series = 1;
  for (let n = 13; n > 2; n--) series = 1 - x / n * series;
  return series / 2;
}

// An interphase against a constant resistance. drive: V over both. resistance: of the coating,
// ohm cm2. perLength: of the interphase, ohm cm. leak: the current lost to the electrolyte, A/cm2.
function growing(feed) {
  const left = feed.drive - feed.leak * feed.resistance;
  return { ...feed, left, rate: feed.reaction_rate_cm_s ?? Infinity,
    perFinal: left > 0 ? feed.leak * feed.perLength / left : 0 };
}

function finalLength(feed) {
  const { left, perFinal } = growing(feed);
  return left > 0 ? 1 / perFinal : 0;
}

// Thickness (cm) after a time (s): Newton steps on the stretched thickness m, kept in a bracket.
function lengthAfter(feed, time) {
  const f = growing(feed);
  if (!(f.left > 0) || time <= 0) return 0;
  const v = f.volume_per_charge_cm3_C * f.left;
  const length = (m) => m * decayRatio(f.perFinal * m);
  const late = (m) => (f.resistance * m + f.perLength * m * m * chi(f.perFinal * m)) / v + length(m) / f.rate - time;
  const slope = (m) => (f.resistance + f.perLength * length(m)) / v + Math.exp(-f.perFinal * m) / f.rate;
  let low = 0;
  let high = Math.sqrt(2 * v * time / f.perLength);
  while (late(high) < 0) [low, high] = [high, 2 * high];
  let m = high;
  for (let step = 0; step < 100; step++) {
    const over = late(m);
    if (over > 0) high = m; else low = m;
    let next = m - over / slope(m);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - m) <= 1e-15 * m) break;
    m = next;
  }
  return length(m);
}

// Resistance per length (ohm cm) of products between two potentials. sigma_ele may rise with the
// potential above a floor, z per thermal voltage.
function perLength(p, low, high, temperature) {
  const ion = p.sigma_ion_S_cm;
  const plain = 1 / ion + 1 / p.sigma_ele_S_cm;
  if (!p.hole_slope || low === high) return plain;
  const slope = p.hole_slope / (BOLTZMANN_EV * temperature);
  const floor = p.hole_floor_S_cm;
  const at = (E) => p.sigma_ele_S_cm * Math.exp(slope * (E - p.hole_reference_V));
  const risen = ion * Math.log1p((at(high) - at(low)) / (ion + floor + at(low))) / slope;
  return (high - low) / (ion / (ion + floor) * (floor * (high - low) + risen));
}

// What the interphases of a cell grow from: under the coating, on the anode, in holes; null where
// a limit of the electrolyte is unknown or an electrode lies beyond the other one's limit.
function feedsOf(s) {
  const { coated, bare, anode } = s.products;
  const [E_c, ox, red] = [s.cathode_potential_V, s.electrolyte_oxidation_limit_V, s.electrolyte_reduction_limit_V];
  if (ox === null || red === null || s.anode_electrode_V > ox || E_c < red) return null;
  const E_a = anodeSide(s);
  const before = electrolyteResistances(s)[1];
  const film = s.coating_thickness_nm * CM_PER_NM;
  const behind = film * ambipolarResistivity(s.coating_sigma_ion_S_cm, s.coating_sigma_ele_S_cm);
  const planar = E_a + (E_c - E_a) * before / (before + behind);
  const held = planar > ox;
  const face = held ? ox : planar;
  const leak = Math.max((face - E_a) / before, 0);
  const feed = (p, low, high, resistance, taken) => ({ ...p, drive: Math.abs(high - low), resistance, leak: taken,
    perLength: perLength(p, Math.min(low, high), Math.max(low, high), s.temperature_K) });
  const own = { ...coated, sigma_ion_S_cm: s.interphase_sigma_ion_S_cm, sigma_ele_S_cm: s.interphase_sigma_ele_S_cm };
  const found = { cathode: feed(own, face, held ? E_c : face, behind, leak),
    anode: feed(anode, E_a, s.anode_electrode_V, 0, leak), hole: null, unprotected: held ? 1 : 0 };
  if (s.coverage === 1) return found;
  const flux = holeFlux(s, before, behind, E_a) ?? leak;
  found.hole = feed(bare, ox, Math.max(E_c, ox), 0, Math.max(flux, 0));
  if (!held && E_c > ox) found.unprotected = 1 - s.coverage;
  return found;
}

// Leak into holes held at the oxidation limit (A per cm2 of them) where the coating protects and
// the electrolyte joins them to it; null where both stand side by side.
function holeFlux(s, before, behind, E_a) {
  const [E_c, ox, c] = [s.cathode_potential_V, s.electrolyte_oxidation_limit_V, s.coverage];
  if (c < LEAST_COVERAGE || (ox - E_a) / before < (E_c - ox) / behind) return null;
  const e = Math.sqrt(1 - c);
  const psi = 1 - 1.409 * e + 0.338 * e ** 3 + 0.068 * e ** 5;
  const sigma = s.electrolyte_thickness_um * CM_PER_UM / before;
  const g = 4 * sigma / (Math.PI * s.hole_radius_nm * CM_PER_NM * psi);
  const into = E_a / before + E_c / behind + (1 - c) * (g + 1 / (behind * c)) * ox;
  const mean = into / (1 / before + 1 / (behind * c) + (1 - c) * g);
  const under = (mean - (1 - c) * ox) / c;
  return (E_c - under) / behind + g * (ox - mean);
}

function inParallel(c, coated, bare) {
  if ((bare <= 0 && c < 1) || (coated <= 0 && c > 0)) return 0;
  return 1 / (c / coated + (1 - c) / bare);
}

// A share of 0 times infinity is 0.
function shared(c, coated, bare) {
  return (c > 0 ? c * coated : 0) + (c < 1 ? (1 - c) * bare : 0);
}

// Thicknesses (cm) after a time (s), or at the end of growth.
function grownAt(feeds, time) {
  const grown = (feed) => (time === Infinity ? finalLength(feed) : lengthAfter(feed, time));
  return { cathode: grown(feeds.cathode), anode: grown(feeds.anode), hole: feeds.hole && grown(feeds.hole) };
}

// Coating and interphase of the cathode side, and the anode's interphase, ohm cm2.
function resistancesOf(s, grown) {
  const asr = s.coating_thickness_nm * CM_PER_NM / s.coating_sigma_ion_S_cm;
  const coated = asr + grown.cathode / s.interphase_sigma_ion_S_cm;
  const anode = grown.anode / s.products.anode.sigma_ion_S_cm;
  if (grown.hole === null) return { cathode: coated, anode };
  return { cathode: inParallel(s.coverage, coated, grown.hole / s.products.bare.sigma_ion_S_cm), anode };
}

// Years until coating and interphases reach the budget.
function yearsToBudget(s, feeds) {
  const spent = (time) => {
    const { cathode, anode } = resistancesOf(s, grownAt(feeds, time));
    return cathode + (s.count_anode_side ? anode : 0);
  };
  if (spent(0) >= s.asr_budget_ohm_cm2) return 0;
  if (spent(Infinity) <= s.asr_budget_ohm_cm2) return Infinity;
  let [low, high] = [-20, Math.log(LONGEST_S)];
  if (spent(LONGEST_S) <= s.asr_budget_ohm_cm2) return Infinity;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (spent(Math.exp(middle)) < s.asr_budget_ohm_cm2) low = middle; else high = middle;
  }
  return Math.exp((low + high) / 2) / SECONDS_PER_YEAR;
}

const UNKNOWN_GROWTH = Object.fromEntries(["interphase_nm", "interphase_final_nm", "anode_interphase_nm",
  "asr_interphase_ohm_cm2", "anode_lithium_lost_uAh_cm2", "years_to_budget", "unprotected_share"].map((name) => [name, null]));

// The columns of ageing of one cell.
function ageCell(s) {
  const feeds = s.products ? feedsOf(s) : null;
  if (feeds === null) return UNKNOWN_GROWTH;
  const most = s.electrolyte_thickness_um * CM_PER_UM;
  const free = grownAt(feeds, s.ageing_years * SECONDS_PER_YEAR);
  const grown = Object.fromEntries(Object.entries(free).map(([side, l]) => [side, l === null ? null : Math.min(l, most)]));
  const last = grownAt(feeds, Infinity);
  const mean = ({ cathode, hole }) => (hole === null ? cathode : shared(s.coverage, cathode, hole)) / CM_PER_NM;
  const { cathode, anode } = resistancesOf(s, grown);
  return {
    interphase_nm: mean(grown),
    interphase_final_nm: mean(last),
    anode_interphase_nm: grown.anode / CM_PER_NM,
    asr_interphase_ohm_cm2: cathode + anode - s.coating_thickness_nm * CM_PER_NM / s.coating_sigma_ion_S_cm,
    anode_lithium_lost_uAh_cm2: grown.anode / s.products.anode.volume_per_charge_cm3_C / 3600e-6,
    years_to_budget: yearsToBudget(s, feeds),
    unprotected_share: feeds.unprotected,
  };
}

// Resistance of each side against time for the picture, and at the time of the slider.
function ageingTables(s) {
  const feeds = s.products ? feedsOf(s) : null;
  if (feeds === null) return { growth: [], now: [] };
  const rows = (years) => {
    const { cathode, anode } = resistancesOf(s, grownAt(feeds, years * SECONDS_PER_YEAR));
    return [["cathode side with coating", cathode], ["anode side", anode]].map(([side, asr]) => ({ side, years, asr }));
  };
  const times = Array.from({ length: 49 }, (_, i) => 1e-4 * 10 ** (i / 8));
  const shown = (each) => each.asr > 0;
  return { growth: times.flatMap(rows).filter(shown), now: rows(s.ageing_years).filter(shown) };
}
