// Draws the pictures with Vega's expression interpreter (nothing is evaluated) in the page's colours.
"use strict";

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function theme() {
  const [ink, muted, line, paper] = ["--ink", "--muted", "--line", "--paper"].map(css);
  const fill = (name, opacity) => ({ color: css(name), opacity });
  const axis = { labelColor: muted, titleColor: ink, gridColor: line, domainColor: muted, tickColor: muted,
    labelFontSize: 12, titleFontSize: 12.5, titleFontWeight: 500, labelLimit: 170, titlePadding: 8 };
  return {
    background: "transparent", font: css("--sans"), aria: false, padding: 4,
    view: { stroke: line }, axis,
    legend: { symbolBaseFillColor: muted, symbolBaseStrokeColor: muted, labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12.5, titleFontWeight: 500, labelLimit: 220 },
    header: { labelColor: ink, titleColor: ink, labelFontSize: 13, labelFontWeight: 600, labelLimit: 330 },
    title: { color: ink, subtitleColor: muted, fontSize: 13.5, fontWeight: 600, anchor: "start" },
    text: { color: ink, fontSize: 12 }, bar: { color: css("--c1") }, rule: { color: ink },
    range: {
      category: ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(css),
      heatmap: [css("--ramp0"), css("--ramp1")], ramp: [css("--ramp0"), css("--ramp1")],
      diverging: [css("--bad"), css("--mid"), css("--c1")],
    },
    style: {
      electrolyte: fill("--electrolyte", 0.42), coating: fill("--coating", 0.36),
      region: fill("--good", 0.28), curve: { color: ink, strokeWidth: 2.4 },
      interface: { color: muted, strokeDash: [4, 3] },
      here: { color: css("--c2"), filled: true, size: 130, opacity: 1 },
      window: fill("--coating", 0.75), middle: { color: ink, thickness: 2 },
      on: { color: ink, fontSize: 12 }, quiet: { color: muted, fontSize: 11.5 },
      inverse: { color: paper, fontWeight: 600 },
    },
  };
}

function tooltip() {
  const box = element("div", { id: "tooltip", role: "tooltip", hidden: "" });
  document.body.append(box);
  return (_handler, event, _item, value) => {
    box.hidden = value === null || value === undefined || value === "";
    if (box.hidden) return;
    const pairs = typeof value === "object" ? Object.entries(value) : [["", value]];
    box.replaceChildren(...pairs.flatMap(([key, v]) => [element("b", {}, key), element("bdi", {}, String(v))]));
    box.style.left = `${Math.min(event.pageX + 14, innerWidth - 280)}px`;
    box.style.top = `${event.pageY + 14}px`;
  };
}

// Names beside points, and panels side by side, are drawn only if there is room.
function fitted(spec, width) {
  if (spec.layer && width < 560)
    return { ...spec, layer: spec.layer.filter((each) => !each.mark?.style?.includes?.("name")), config: { legend: { orient: "bottom", columns: 3 } } };
  if (spec.facet) return { ...spec, columns: Math.max(1, Math.min(3, Math.floor(width / 350))) };
  if (spec.hconcat && width < 900) {
    const { hconcat, ...rest } = spec;
    const panels = hconcat.map((panel) => ({ ...panel, width: Math.min(panel.width, width - 90) }));
    return { ...rest, vconcat: panels, config: { legend: { orient: "bottom", columns: 3 } } };
  }
  return spec;
}

// Every text of a specification with its formulas typeset.
function typesetSpec(value) {
  if (typeof value === "string") return typeset(value);
  if (Array.isArray(value)) return value.map(typesetSpec);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, typesetSpec(each)]));
}

class Pictures {
  constructor(specs) {
    this.specs = typesetSpec(specs);
    this.views = {};
    this.live = {};
    this.tooltip = tooltip();
  }

  // Pictures draw when they come near the window, the others one by one when nothing else is
  // to do: the page answers at once, and is whole when it is printed.
  start() {
    const waiting = new Set(document.querySelectorAll("figure[data-picture]"));
    const begin = (figure) => {
      observer.unobserve(figure);
      return waiting.delete(figure) ? this.draw(figure) : null;
    };
    const observer = new IntersectionObserver((entries) =>
      entries.filter((entry) => entry.isIntersecting).forEach((entry) => begin(entry.target)), { rootMargin: "600px" });
    waiting.forEach((figure) => observer.observe(figure));
    const next = async () => {
      const [figure] = waiting;
      if (!figure) return;
      await begin(figure);
      requestIdleCallback(next);
    };
    requestIdleCallback(next, { timeout: 3000 });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
      Object.keys(this.views).forEach((id) => this.draw(document.querySelector(`[data-picture=${id}]`))));
  }

  async draw(figure) {
    const id = figure.dataset.picture;
    this.views[id]?.finalize();
    const place = figure.querySelector(".picture");
    const words = place.getAttribute("aria-label");
    const { view } = await vegaEmbed(place, fitted(this.specs[id], place.clientWidth), {
      mode: "vega-lite", logLevel: 1, ast: true, renderer: "svg", actions: false, defaultStyle: false,
      tooltip: this.tooltip, config: theme(),
    });
    place.setAttribute("role", "img"); // Vega overwrites these with texts of its own
    place.setAttribute("aria-label", words);
    place.removeAttribute("aria-roledescription");
    this.views[id] = view;
    figure.dataset.drawn = "yes";
    if (!figure.querySelector(".save")) this.offerSaving(figure, id);
    for (const [name, rows] of Object.entries(this.live[id] ?? {})) this.feed(view, name, rows);
    figure.dispatchEvent(new CustomEvent("drawn", { detail: view }));
  }

  offerSaving(figure, id) {
    const save = element("button", { type: "button", class: "save" }, "Save as SVG");
    save.addEventListener("click", async () =>
      download(await this.views[id].toSVG(), "image/svg+xml", `muli-${id}.svg`));
    figure.querySelector("figcaption").append(" ", save);
  }

  feed(view, name, rows) {
    view.data(name, typesetSpec(rows)).run();
  }

  // Rows for a picture that follows the sliders, now or when it is drawn.
  update(id, tables) {
    this.live[id] = tables;
    if (!this.views[id]) return;
    for (const [name, rows] of Object.entries(tables)) this.feed(this.views[id], name, rows);
  }
}

// Names the coatings that lie inside both brushes of the trade-off picture.
function nameBrushed(figure, spec) {
  figure?.addEventListener("drawn", ({ detail: view }) => {
    const brushes = ["by_resistance", "by_margin"];
    const [points] = Object.values(spec.datasets);
    const tell = () => {
      const ranges = brushes.flatMap((name) => Object.entries(view.signal(name) ?? {}));
      const inside = points.filter((point) => ranges.every(([field, ends]) =>
        point[field] >= Math.min(...ends) && point[field] <= Math.max(...ends)));
      const names = [...new Set(inside.map((point) => point.coating))];
      figure.querySelector("#brushed").textContent = ranges.length
        ? `Inside: ${inside.length} points of ${names.join(", ") || "no coating"}.` : "";
    };
    brushes.forEach((name) => view.addSignalListener(name, tell));
  });
}
