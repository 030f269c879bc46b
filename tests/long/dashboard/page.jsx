// Draws what dashboard.mjs read, with Grafana's own components: each panel at its place of the grid.
import "@fontsource/inter/latin-400.css";
import "@fontsource/inter/latin-500.css";
import * as data from "@grafana/data";
import * as ui from "@grafana/ui";
import { createRoot } from "react-dom/client";

const { dashboard, theme: mode, width, margin, header, lines, line } = window.picture;
const theme = data.createTheme({ colors: { mode } });
// Grafana's grid: 24 columns, lines of 30 pixels, 8 pixels between panels.
const GAP = 8;
const column = (width + GAP) / 24;
// What Grafana's panel for time series has where the file says nothing.
const CUSTOM = { lineWidth: 1, fillOpacity: 0, showPoints: "auto", pointSize: 5, drawStyle: "line", axisPlacement: "auto" };

function frame({ name, points, step }, panel, number) {
  const { custom, ...defaults } = panel.fieldConfig.defaults;
  const color = { mode: panel.type === "stat" ? "thresholds" : "palette-classic" };
  const value = {
    name,
    type: data.FieldType.number,
    values: points.map(([, each]) => each),
    config: { color, ...defaults, custom: { ...CUSTOM, ...custom }, displayNameFromDS: name },
    state: { seriesIndex: number },
  };
  const time = { name: "Time", type: data.FieldType.time, values: points.map(([each]) => each * 1000), config: { interval: step * 1000 } };
  return { refId: "A", name, fields: [time, value], length: points.length };
}

function frames(panel) {
  const all = panel.series.map((each, number) => frame(each, panel, number));
  for (const each of all) {
    for (const { matcher, properties } of panel.fieldConfig.overrides) {
      const [, value] = each.fields;
      if (data.getFieldMatcher(matcher)(value, each, all)) properties.forEach(({ id, value: to }) => { value.config[id] = to; });
    }
    for (const field of each.fields) field.display = data.getDisplayProcessor({ field, theme, timeZone: "utc" });
  }
  return all;
}

function Stat({ panel, all, width, height }) {
  const { reduceOptions, ...options } = panel.options;
  const values = data.getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data: all,
    timeZone: "utc",
  });
  return values.map(({ display }, number) => (
    <ui.BigValue key={number} {...options} value={{ ...display, title: values.length > 1 ? display.title : "" }}
      theme={theme} width={width / values.length} height={height} />
  ));
}

function Graph({ panel, all, width, height }) {
  const [from, to] = [dashboard.range.start, dashboard.range.end].map((each) => data.dateTime(each * 1000));
  const timeRange = { from, to, raw: { from, to } };
  return <ui.TimeSeries frames={all} timeRange={timeRange} timeZone="utc" width={width} height={height}
    legend={panel.options.legend} structureRev={1} />;
}

function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const place = { position: "absolute", left: x * column, top: y * line };
  const Drawn = { stat: Stat, timeseries: Graph }[panel.type];
  const all = frames(panel);
  return (
    <div style={place}>
      <ui.PanelChrome title={panel.title} width={w * column - GAP} height={h * line - GAP} padding={panel.type === "stat" ? "none" : "md"}>
        {(width, height) => all.length
          ? <Drawn panel={panel} all={all} width={width} height={height} />
          : <div style={{ height, display: "grid", placeItems: "center" }}>{panel.fieldConfig.defaults.noValue ?? "No data"}</div>}
      </ui.PanelChrome>
    </div>
  );
}

function Dashboard() {
  const chosen = dashboard.templating.list.filter(({ type }) => type === "query");
  const times = [dashboard.range.start, dashboard.range.end].map((each) => data.dateTimeFormat(each * 1000, { timeZone: "utc" }));
  const quiet = { color: theme.colors.text.secondary };
  return (
    <data.ThemeContext.Provider value={theme}>
      <ui.GlobalStyles />
      <div style={{ padding: margin, width: width + 2 * margin, background: theme.colors.background.canvas }}>
        <div style={{ display: "flex", gap: 24, alignItems: "baseline", height: header }}>
          <span style={{ fontSize: 18, fontWeight: 500 }}>{dashboard.title}</span>
          {chosen.map(({ name, current }) => <span key={name}><span style={quiet}>{name}</span> {current.text}</span>)}
          <span style={{ ...quiet, marginLeft: "auto" }}>{times[0]} to {times[1].split(" ")[1]} UTC</span>
        </div>
        <div style={{ position: "relative", height: lines * line - GAP }}>
          {dashboard.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
        </div>
      </div>
    </data.ThemeContext.Provider>
  );
}

document.fonts.load("14px Inter").then(() => document.fonts.load("500 14px Inter")).then(() => {
  createRoot(document.getElementById("dashboard")).render(<Dashboard />);
  // Drawn when all of the page has been painted once.
  requestIdleCallback(() => console.log("the dashboard is drawn"));
});
