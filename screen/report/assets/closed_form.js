// Two layers of constant laws: the voltage divider of docs/physics.md, section 3a, with its
// explicit inverses, at open circuit and under a current. Lengths nm and um, conductivities S/cm,
// potentials V vs Li/Li+, resistances ohm cm2, leak A/cm2, current mA/cm2 (charging is positive).
// Unknown window limits are null and leave their margin null.
"use strict";

const CM_PER_NM = 1e-7;
const CM_PER_UM = 1e-4;
const HOURS_PER_MONTH = 720;
const BOLTZMANN_EV = 8.617333262e-5;

function ambipolarResistivity(ion, ele) {
  return 1 / ion + 1 / ele;
}

function margin(high, low) {
  return high === null || low === null ? null : high - low;
}

// The anode's side of the electrolyte: an interphase holds it at the reduction limit where the
// electrolyte is not stable against the anode, unless the boundary is the electrode.
function anodeSide(s) {
  const limit = s.electrolyte_reduction_limit_V;
  return s.pins && limit !== null && limit > s.anode_electrode_V ? limit : s.anode_electrode_V;
}

function current(s) {
  return s.current_density_mA_cm2 * 1e-3;
}

// Ionic resistance of the electrolyte, and that of ions and electrons together.
function electrolyteResistances(s) {
  const length = s.electrolyte_thickness_um * CM_PER_UM;
  return [length / s.electrolyte_sigma_ion_S_cm,
    length * ambipolarResistivity(s.electrolyte_sigma_ion_S_cm, s.electrolyte_sigma_ele_S_cm)];
}

// The leak (A/cm2) with which the electrolyte's cathode side lies at E.
function leakAt(s, E) {
  const [ionic, both] = electrolyteResistances(s);
  return (E - anodeSide(s) - current(s) * ionic) / both;
}

// Coating thickness (nm) at which the interface lies at E: 0 where the cathode does not exceed it,
// inf where no thickness reaches it. below: under current, E may lie below the anode.
function thicknessForInterface(s, E, below = false) {
  if (s.cathode_potential_V <= E) return 0;
  if (E <= anodeSide(s) && !(below && current(s) !== 0)) return Infinity;
  const leak = leakAt(s, E);
  const slope = (current(s) + leak) / s.coating_sigma_ion_S_cm + leak / s.coating_sigma_ele_S_cm;
  return slope <= 0 ? Infinity : (s.cathode_potential_V - E) / slope / CM_PER_NM;
}

// Coating sigma_ele (S/cm) that puts the interface at E for a coating of this thickness.
function sigmaEleForInterface(s, E, thickness_nm) {
  if (s.cathode_potential_V <= E) return Infinity;
  if (E <= anodeSide(s)) return 0;
  const length = thickness_nm * CM_PER_NM;
  const leak = leakAt(s, E);
  const electronic = s.cathode_potential_V - E - (current(s) + leak) * length / s.coating_sigma_ion_S_cm;
  return electronic <= 0 ? Infinity : leak * length / electronic;
}

// A conductivity at another temperature (K): Arrhenius, of sigma_ion times T and of sigma_ele
// itself. Without an activation energy (eV, null) it is held constant.
function arrhenius(kind, activation, from, to) {
  if (!activation) return 1;
  const factor = Math.exp(-(activation / BOLTZMANN_EV) * (1 / to - 1 / from));
  return kind === "sigma_ion" ? factor * from / to : factor;
}

function thicknessBand(s) {
  const limits = [["resistance", s.asr_budget_ohm_cm2 * s.coating_sigma_ion_S_cm / CM_PER_NM]];
  if (s.coating_reduction_limit_V !== null)
    limits.push(["coating reduction", thicknessForInterface(s, s.coating_reduction_limit_V, true)]);
  if (s.electrolyte_reduction_limit_V !== null)
    limits.push(["electrolyte reduction", thicknessForInterface(s, s.electrolyte_reduction_limit_V, true)]);
  const [setBy, most] = limits.reduce((a, b) => (b[1] < a[1] ? b : a));
  const least = s.electrolyte_oxidation_limit_V === null
    ? null : thicknessForInterface(s, s.electrolyte_oxidation_limit_V);
  return { least, most, setBy };
}

// True only where both limits are known and kept; null where an unknown one could still decide.
function verdict(oxidation, reduction) {
  if (oxidation < 0 || reduction < 0) return false;
  return oxidation === null || reduction === null ? null : true;
}

function solveStack(s) {
  const coating = s.coating_thickness_nm * CM_PER_NM;
  const [asrElectrolyte, R_electrolyte] = electrolyteResistances(s);
  const R_coating = coating *
    ambipolarResistivity(s.coating_sigma_ion_S_cm, s.coating_sigma_ele_S_cm);
  const asr = coating / s.coating_sigma_ion_S_cm;
  const [side, cathode] = [anodeSide(s), s.cathode_potential_V];
  const leak = (cathode - side - current(s) * (asrElectrolyte + asr)) / (R_electrolyte + R_coating);
  const E = side + current(s) * asrElectrolyte + leak * R_electrolyte;
  const oxidation = margin(s.electrolyte_oxidation_limit_V, E);
  const reduction = margin(E, s.electrolyte_reduction_limit_V);
  const band = thicknessBand(s);
  const isProtected = verdict(oxidation, reduction);
  return {
    anode_side_V: side,
    interface_potential_V: E,
    leak_current_A_cm2: leak,
    terminal_voltage_V: cathode - s.anode_electrode_V - (current(s) + leak) * (asr + asrElectrolyte),
    oxidation_margin_V: margin(s.electrolyte_oxidation_limit_V, Math.max(side, E)),
    reduction_margin_V: reduction,
    coating_oxidation_margin_V: margin(s.coating_oxidation_limit_V, Math.max(E, cathode)),
    coating_reduction_margin_V: margin(Math.min(E, cathode), s.coating_reduction_limit_V),
    asr_coating_ohm_cm2: asr,
    asr_total_ohm_cm2: asr + asrElectrolyte,
    self_discharge_percent_per_month:
      100 * leak * HOURS_PER_MONTH / (s.areal_capacity_mAh_cm2 * 1e-3),
    min_thickness_nm: band.least,
    max_thickness_nm: band.most,
    max_thickness_set_by: band.setBy,
    max_sigma_ele_S_cm: s.electrolyte_oxidation_limit_V === null ? null
      : sigmaEleForInterface(s, s.electrolyte_oxidation_limit_V, s.coating_thickness_nm),
    protected: isProtected,
    oxidised: oxidation !== null && oxidation < 0,
    affordable: asr <= s.asr_budget_ohm_cm2,
    feasible: isProtected && !(band.least > band.most) && asr <= s.asr_budget_ohm_cm2,
  };
}
