// Starts the page from the data block it carries.
"use strict";

{
  const data = JSON.parse(document.querySelector("#data").textContent);
  const pictures = new Pictures(data.specs);
  const whatif = new WhatIf(pictures, data.window_tolerance_V);
  const rows = unpack(data.rows);
  const starts = unpack(data.starts);
  const openRow = (index) => {
    whatif.open(complete({ ...rows[index], ...starts[index] }));
    document.querySelector("#whatif").scrollIntoView();
    document.querySelector("#whatif-controls input").focus({ preventScroll: true });
  };
  new Ranking(data.columns, rows, openRow);
  if (starts.length) whatif.open(complete({ ...rows[0], ...starts[0] }));
  nameBrushed(document.querySelector("[data-picture=tradeoff]"), data.specs.tradeoff);
  pictures.start();
  document.documentElement.dataset.ready = "yes";
}
