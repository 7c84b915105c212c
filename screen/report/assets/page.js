// Starts the page from its data block.
"use strict";

{
  const data = JSON.parse(document.querySelector("#data").textContent);
  typesetPage();
  scrollInPlace();
  const pictures = new Pictures(data.specs);
  if (data.rows) startRanking(data, pictures);
  pictures.start();
  document.documentElement.dataset.ready = "yes";
}

function startRanking(data, pictures) {
  const whatif = new WhatIf(pictures, data.window_tolerance_V);
  const rows = unpack(data.rows);
  const starts = unpack(data.starts);
  const start = (index) => withGrowth(
    complete({ ...rows[index], film_nm: rows[index].coating_thickness_nm, ...starts[index] }), data.growth);
  const ranking = new Ranking({ ...data, rows }, (index, look) => {
    ranking.open = index;
    ranking.draw();
    whatif.open(start(index));
    writeAddress(ranking.address());
    if (!look) return;
    document.querySelector("#whatif").scrollIntoView();
    document.querySelector("#whatif-controls input").focus({ preventScroll: true });
  });
  const follow = () => {
    const address = readAddress();
    if (address) ranking.follow(address);
    return address !== null;
  };
  const first = ranking.find(0, null);
  if (first !== null && !follow()) whatif.open(start(first));
  addEventListener("hashchange", follow);
  nameBrushed(document.querySelector("[data-picture=tradeoff]"), data.specs.tradeoff);
}
