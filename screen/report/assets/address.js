// What is open stands in the page's address, so that a link leads to a finding:
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

// The page's own links scroll and leave the address to what is open.
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
