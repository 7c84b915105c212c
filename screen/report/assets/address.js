// The page's address holds the open row, so that a link leads to it:
// #electrolyte=Li6PS5Cl&cathode=NMC811&coating=LiNbO3
"use strict";

const EVERY = "*";

function readAddress() {
  const text = location.hash.slice(1);
  return text.includes("=") ? Object.fromEntries(new URLSearchParams(text)) : null;
}

function writeAddress(values) {
  history.replaceState(null, "", `#${new URLSearchParams(values)}`);
}

// Links inside the page scroll, and do not change the address: it keeps the open row.
function scrollInPlace() {
  for (const link of document.querySelectorAll("nav a, .skip"))
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.querySelector(link.getAttribute("href"));
      target.tabIndex = -1;
      target.focus({ preventScroll: true });
      target.scrollIntoView();
    });
}
