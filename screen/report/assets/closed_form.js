// Two layers, constant laws, open circuit: the voltage divider of docs/physics.md, section 3a,
// with its explicit inverses. Lengths nm and um, conductivities S/cm, potentials V vs Li/Li+,
// resistances ohm cm2, leak A/cm2. Unknown window limits are null and leave their margin null.
"use strict";

const CM_PER_NM = 1e-7;
const CM_PER_UM = 1e-4;
const HOURS_PER_MONTH = 720;

function ambipolarResistivity(ion, ele) {
  return 1 / ion + 1 / ele;
}

function margin(high, low) {
  return high === null || low === null ? null : high - low;
}

// Coating thickness (nm) at which the interface lies at E; 0 above the cathode, inf below the anode.
function thicknessForInterface(s, E) {
  if (s.cathode_potential_V <= E) return 0;
  if (E <= s.anode_potential_V) return Infinity;
  const electrolyte = s.electrolyte_thickness_um * CM_PER_UM *
    ambipolarResistivity(s.electrolyte_sigma_ion_S_cm, s.electrolyte_sigma_ele_S_cm);
  const ratio = (s.cathode_potential_V - E) / (E - s.anode_potential_V);
  return electrolyte * ratio / CM_PER_NM /
    ambipolarResistivity(s.coating_sigma_ion_S_cm, s.coating_sigma_ele_S_cm);
}

// Coating sigma_ele (S/cm) that puts the interface at E for a coating of this thickness.
function sigmaEleForInterface(s, E, thickness_nm) {
  if (s.cathode_potential_V <= E) return Infinity;
  if (E <= s.anode_potential_V) return 0;
  const electrolyte = s.electrolyte_thickness_um * CM_PER_UM *
    ambipolarResistivity(s.electrolyte_sigma_ion_S_cm, s.electrolyte_sigma_ele_S_cm);
  const ratio = (E - s.anode_potential_V) / (s.cathode_potential_V - E);
  const ambipolar = thickness_nm * CM_PER_NM * ratio / electrolyte;
  const ion = s.coating_sigma_ion_S_cm;
  return ambipolar >= ion ? Infinity : ambipolar * ion / (ion - ambipolar);
}

function thicknessBand(s) {
  const limits = [["resistance", s.asr_budget_ohm_cm2 * s.coating_sigma_ion_S_cm / CM_PER_NM]];
  if (s.coating_reduction_limit_V !== null)
    limits.push(["coating reduction", thicknessForInterface(s, s.coating_reduction_limit_V)]);
  if (s.electrolyte_reduction_limit_V !== null)
    limits.push(["electrolyte reduction", thicknessForInterface(s, s.electrolyte_reduction_limit_V)]);
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
  const electrolyte = s.electrolyte_thickness_um * CM_PER_UM;
  const coating = s.coating_thickness_nm * CM_PER_NM;
  const R_electrolyte = electrolyte *
    ambipolarResistivity(s.electrolyte_sigma_ion_S_cm, s.electrolyte_sigma_ele_S_cm);
  const R_coating = coating *
    ambipolarResistivity(s.coating_sigma_ion_S_cm, s.coating_sigma_ele_S_cm);
  const leak = (s.cathode_potential_V - s.anode_potential_V) / (R_electrolyte + R_coating);
  const E = s.anode_potential_V + leak * R_electrolyte;
  const oxidation = margin(s.electrolyte_oxidation_limit_V, E);
  const reduction = margin(E, s.electrolyte_reduction_limit_V);
  const asr = coating / s.coating_sigma_ion_S_cm;
  const band = thicknessBand(s);
  const isProtected = verdict(oxidation, reduction);
  return {
    interface_potential_V: E,
    leak_current_A_cm2: leak,
    oxidation_margin_V: oxidation,
    reduction_margin_V: reduction,
    coating_oxidation_margin_V: margin(s.coating_oxidation_limit_V,
      Math.max(E, s.cathode_potential_V)),
    coating_reduction_margin_V: margin(Math.min(E, s.cathode_potential_V),
      s.coating_reduction_limit_V),
    asr_coating_ohm_cm2: asr,
    asr_total_ohm_cm2: asr + electrolyte / s.electrolyte_sigma_ion_S_cm,
    self_discharge_percent_per_month:
      100 * leak * HOURS_PER_MONTH / (s.areal_capacity_mAh_cm2 * 1e-3),
    min_thickness_nm: band.least,
    max_thickness_nm: band.most,
    max_thickness_set_by: band.setBy,
    max_sigma_ele_S_cm: s.electrolyte_oxidation_limit_V === null ? null
      : sigmaEleForInterface(s, s.electrolyte_oxidation_limit_V, s.coating_thickness_nm),
    protected: isProtected,
    affordable: asr <= s.asr_budget_ohm_cm2,
    feasible: isProtected && band.least <= band.most && asr <= s.asr_budget_ohm_cm2,
  };
}
