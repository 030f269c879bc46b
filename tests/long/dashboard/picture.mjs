// Reads the dashboard and its numbers, bundles the page, and has Chromium draw it into one file.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { check, read, seconds } from "./dashboard.mjs";

const WIDTH = 1280, MARGIN = 16, HEADER = 34, LINE = 38;
const LARGEST = 300_000;
const FOLDER = dirname(fileURLToPath(import.meta.url));
const TEXT = { type: "string" };

async function page(folder, picture) {
  await build({
    entryPoints: [join(folder, "page.jsx")],
    outfile: join(folder, "page.js"),
    bundle: true,
    minify: true,
    logLevel: "error",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".woff2": "dataurl", ".woff": "dataurl", ".ttf": "empty" },
  });
  const data = JSON.stringify(picture).replaceAll("<", "\\u003c");
  writeFileSync(
    join(folder, "page.html"),
    `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css">
<body style="margin: 0; overflow: hidden"><div id="dashboard"></div>
<script>window.picture = ${data}</script><script src="page.js"></script></body>`,
  );
}

function draw(folder, height, output) {
  const { stderr, error } = spawnSync("chromium", [
    "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1", "--enable-logging=stderr",
    `--user-data-dir=${join(folder, "profile")}`, `--window-size=${WIDTH},${height}`, "--virtual-time-budget=20000",
    `--screenshot=${output}`, `file://${join(folder, "page.html")}`,
  ], { encoding: "utf8", timeout: 120_000 });
  if (error) throw new Error(`chromium: ${error.message}`);
  const said = stderr.split("\n").filter((line) => line.includes("CONSOLE"));
  if (!said.some((line) => line.includes("the dashboard is drawn")) || said.some((line) => /Uncaught|ERROR:CONSOLE/.test(line))) {
    throw new Error(`the page was not drawn:\n${said.join("\n") || stderr}`);
  }
}

async function main() {
  const { values } = parseArgs({
    options: { dashboard: TEXT, prometheus: TEXT, span: TEXT, lines: TEXT, theme: TEXT, output: TEXT },
  });
  if (!["dark", "light"].includes(values.theme)) throw new Error(`--theme ${values.theme}: dark or light is expected`);
  const dashboard = JSON.parse(readFileSync(values.dashboard, "utf8"));
  check(dashboard);
  const known = await read(dashboard, values.prometheus, seconds(values.span ?? dashboard.time.from));
  known.panels = known.panels.filter(({ gridPos }) => gridPos.y + gridPos.h <= Number(values.lines));
  const lines = Math.max(0, ...known.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  if (!lines) throw new Error(`--lines ${values.lines}: a number is expected, of lines that hold at least one panel`);
  const sizes = { width: WIDTH - 2 * MARGIN, margin: MARGIN, header: HEADER, lines, line: LINE };
  await page(FOLDER, { dashboard: known, theme: values.theme, ...sizes });
  mkdirSync(dirname(values.output), { recursive: true });
  draw(FOLDER, 2 * MARGIN + HEADER + lines * LINE - 8, values.output);
  const { size } = statSync(values.output);
  if (size > LARGEST) throw new Error(`${values.output}: ${size} octets, and at most ${LARGEST} are wanted: fewer --lines`);
  console.log(`written: ${values.output}, ${known.panels.length} of ${dashboard.panels.length} panels, ${size} octets`);
}

try {
  await main();
} catch (error) {
  console.error(`dashboard-picture: ${error.message}`);
  process.exitCode = 1;
}
