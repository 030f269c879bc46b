// The dashboard's file and what its queries give, as Grafana reads them. A field, a type or a macro that this file
// does not know is an error that names it: a picture without it would show another dashboard.

const ANY = Symbol("any value");
const any = (...keys) => Object.fromEntries(keys.map((key) => [key, ANY]));
const SOURCE = { type: ["prometheus"], uid: ANY };
const THRESHOLDS = { mode: ["absolute"], steps: [any("value", "color")] };
const PANEL = {
  ...any("id", "type", "title"),
  datasource: SOURCE,
  gridPos: any("h", "w", "x", "y"),
  targets: [{ ...any("refId", "expr", "legendFormat"), datasource: SOURCE, instant: [true], range: [false] }],
  fieldConfig: {
    defaults: {
      ...any("unit", "min", "max", "decimals", "noValue"),
      thresholds: THRESHOLDS,
      // ui.TimeSeries takes these by itself.
      custom: any("lineWidth", "axisSoftMax", "thresholdsStyle"),
    },
    overrides: [{ matcher: { id: ["byName"], options: ANY }, properties: [{ id: ["color"], value: ANY }] }],
  },
};
const PANELS = {
  stat: { ...PANEL, options: { colorMode: ANY, graphMode: ["none"], reduceOptions: { calcs: ANY } } },
  timeseries: { ...PANEL, options: { legend: any("showLegend", "displayMode", "placement", "calcs", "sortBy", "sortDesc") } },
};
const ALL = { text: ["All"], value: ["$__all"] };
const VARIABLES = {
  datasource: { ...any("name", "type"), query: ["prometheus"] },
  query: {
    ...any("name", "type", "refresh"),
    datasource: SOURCE,
    query: any("query", "refId"),
    multi: [true],
    includeAll: [true],
    current: ALL,
    sort: [1],
  },
};
const DASHBOARD = {
  ...any("uid", "title", "schemaVersion", "refresh", "graphTooltip", "panels"),
  time: { from: ANY, to: ["now"] },
  templating: { list: ANY },
};

// A list of one mapping stands for a list of such; another list has the values that are known.
function refuse(value, known, place) {
  if (known === ANY) return;
  if (!Array.isArray(known)) {
    for (const [key, each] of Object.entries(value)) {
      if (!Object.hasOwn(known, key)) throw new Error(`${place}.${key}: a field that this program does not know`);
      refuse(each, known[key], `${place}.${key}`);
    }
  } else if (Array.isArray(value)) {
    value.forEach((each, number) => refuse(each, known[0], `${place}[${number}]`));
  } else if (!known.includes(value)) {
    throw new Error(`${place}: ${JSON.stringify(value)}, and this program knows ${JSON.stringify(known)} only`);
  }
}

function refuseTyped(list, types, place) {
  list.forEach((each, number) => {
    if (!Object.hasOwn(types, each.type)) {
      throw new Error(`${place}[${number}].type: ${JSON.stringify(each.type)}, a type that this program does not know`);
    }
    refuse(each, types[each.type], `${place}[${number}]`);
  });
}

export function check(dashboard) {
  refuse(dashboard, DASHBOARD, "dashboard");
  refuseTyped(dashboard.templating.list, VARIABLES, "dashboard.templating.list");
  refuseTyped(dashboard.panels, PANELS, "dashboard.panels");
}

export function seconds(text) {
  const found = /^(?:now-)?(\d+)([smhd])$/.exec(text);
  if (!found) throw new Error(`${text}: a time such as now-6h or 30m is expected`);
  return Number(found[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[found[2]];
}

async function ask(server, path, parameters) {
  const address = `${server}/api/v1/${path}?${new URLSearchParams(parameters)}`;
  const reply = await fetch(address, { signal: AbortSignal.timeout(30_000) }).catch((error) => {
    throw new Error(`${address}: ${error.cause?.code ?? error.message}`);
  });
  const body = await reply.json().catch(() => ({}));
  if (body.status !== "success") throw new Error(`${address}: ${body.error ?? reply.status}`);
  return body.data;
}

// As Grafana writes values into a matcher of Prometheus: escaped for the expression and for its string.
function asMatcher(values) {
  const escaped = values.map((each) => each.replace(/[\\$^*{}[\]'+?.()|]/g, "\\\\$&"));
  return escaped.length === 1 ? escaped[0] : `(${escaped.join("|")})`;
}

function filled(text, variables) {
  return text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (found, plain, braced) => {
    const name = plain ?? braced;
    if (!Object.hasOwn(variables, name)) throw new Error(`${text}: ${found} is no variable that this program knows`);
    return variables[name];
  });
}

async function variablesOf(dashboard, server, range) {
  const variables = {};
  for (const { name, query } of dashboard.templating.list.filter(({ type }) => type === "query")) {
    const [, selector, label] = /^label_values\((.+), *(\w+)\)$/.exec(filled(query.query, variables)) ?? [];
    if (!label) throw new Error(`${query.query}: a query of the form label_values(SELECTOR, LABEL) is expected`);
    variables[name] = asMatcher(await ask(server, `label/${label}/values`, { "match[]": selector, ...range }));
  }
  return variables;
}

// One frame a series: its legend and its points [seconds, number].
async function series(target, server, { start, end }, variables) {
  const step = Math.max(15, Math.ceil((end - start) / 600));
  const query = filled(target.expr, variables);
  const [path, parameters] = target.instant
    ? ["query", { query, time: end }]
    : ["query_range", { query, start: start - (start % step), end: end - (end % step), step }];
  const { result } = await ask(server, path, parameters);
  return result.map(({ metric, values, value }) => ({
    name: target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "") || query,
    step,
    points: (values ?? [value]).map(([time, number]) => [time, Number(number)]),
  }));
}

export async function read(dashboard, server, span) {
  const end = Math.floor(Date.now() / 1000);
  const range = { start: end - span, end };
  const variables = await variablesOf(dashboard, server, range);
  const panels = [];
  for (const panel of dashboard.panels) {
    const found = [];
    for (const target of panel.targets) found.push(...(await series(target, server, range, variables)));
    panels.push({ ...panel, series: found });
  }
  return { ...dashboard, panels, range };
}
