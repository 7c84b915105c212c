// Starts the page from the data block it carries.
"use strict";

{
  const data = JSON.parse(document.querySelector("#data").textContent);
  const pictures = new Pictures(data.specs);
  const whatif = new WhatIf(pictures, data.window_tolerance_V);
  const openRow = (row) => {
    whatif.open(data.starts[row.start]);
    document.querySelector("#whatif").scrollIntoView();
    document.querySelector("#whatif-controls input").focus({ preventScroll: true });
  };
  new Ranking(data, openRow);
  if (data.starts.length) whatif.open(data.starts[0]);
  pictures.start();
  document.documentElement.dataset.ready = "yes";
}
