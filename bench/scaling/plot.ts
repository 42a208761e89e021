/** Draws curves as SVG, with two logarithmic axes, readable on light and on dark pages. */
import { short } from "../support/statistics.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Drawing {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [640, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 20, 44, 300];
const LEGEND_Y = 346;
const LEGEND_WIDTH = 190;
/** x = 0 is drawn this many decades left of the smallest positive x. */
const ZERO_DECADES = 0.7;

const STYLE = `
  text { font: 12px sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: bold; }
  .grid { stroke: #8b949e; stroke-opacity: 0.35; }
  .line { fill: none; stroke-width: 2; }
  .s0 { stroke: #0969da; fill: #0969da; } .s1 { stroke: #bc4c00; fill: #bc4c00; } .s2 { stroke: #1a7f37; fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .s0 { stroke: #58a6ff; fill: #58a6ff; } .s1 { stroke: #f0883e; fill: #f0883e; } .s2 { stroke: #56d364; fill: #56d364; }
  }
  .s0.line, .s1.line, .s2.line { fill: none; }`;

export function draw({ title, xLabel, yLabel, series }: Drawing): string {
  const points = series.flatMap((one) => one.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const someXs = xs.filter((x) => x > 0).map(Math.log10);
  const ys = points.map(({ y }) => Math.log10(y));
  const zero = Math.min(...someXs) - ZERO_DECADES;
  const left = xs[0] === 0 ? zero : Math.min(...someXs);
  const [bottom, top] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const atX = (x: number): number => {
    const part = ((x === 0 ? zero : Math.log10(x)) - left) / (Math.max(...someXs) - left);
    return Math.round(LEFT + part * (WIDTH - LEFT - RIGHT));
  };
  const atY = (y: number): number =>
    Math.round(BOTTOM - ((Math.log10(y) - bottom) / Math.max(1, top - bottom)) * (BOTTOM - TOP));

  const parts = [text(LEFT, 22, title, "start", "title"), text(LEFT, 38, yLabel, "start")];
  for (const x of xs) {
    parts.push(`<path class="grid" d="M${atX(x)} ${TOP}V${BOTTOM}"/>`);
    parts.push(
      text(atX(x), BOTTOM + 16, x.toLocaleString("en"), x === xs.at(-1) ? "end" : "middle"),
    );
  }
  for (let decade = bottom; decade <= Math.max(top, bottom + 1); decade++) {
    const y = 10 ** decade;
    parts.push(`<path class="grid" d="M${LEFT} ${atY(y)}H${WIDTH - RIGHT}"/>`);
    parts.push(text(LEFT - 6, atY(y) + 4, y < 1 ? String(y) : y.toLocaleString("en"), "end"));
  }
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, BOTTOM + 32, xLabel, "middle"));
  for (const [index, { name, points: own }] of series.entries()) {
    const line = own.map(({ x, y }) => `${atX(x)} ${atY(y)}`).join("L");
    parts.push(`<path class="line s${index}" d="M${line}"/>`);
    for (const { x, y } of own) {
      const tooltip = `<title>${escaped(name)}: ${short(y)} at ${x.toLocaleString("en")}</title>`;
      parts.push(
        `<circle class="s${index}" cx="${atX(x)}" cy="${atY(y)}" r="3">${tooltip}</circle>`,
      );
    }
    const legend = LEFT + index * LEGEND_WIDTH;
    parts.push(`<circle class="s${index}" cx="${legend}" cy="${LEGEND_Y}" r="4"/>`);
    parts.push(text(legend + 10, LEGEND_Y + 4, name, "start"));
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"`;
  return `${head} aria-label="${escaped(title)}">\n<style>${STYLE}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}

const text = (x: number, y: number, words: string, anchor: string, kind?: string): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}"${kind === undefined ? "" : ` class="${kind}"`}>${escaped(words)}</text>`;

const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
