// Type-checks dashboards (classic JSON) against Grafana's own types: node check.mjs a.json b.json …; one line a problem.
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const TYPES = '@grafana/schema/dist/esm/raw/composable/';
const PANELS = {
  stat: 'stat/panelcfg/x/StatPanelCfg_types.gen',
  timeseries: 'timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen',
  table: 'table/panelcfg/x/TablePanelCfg_types.gen',
  bargauge: 'bargauge/panelcfg/x/BarGaugePanelCfg_types.gen',
  dashlist: 'dashlist/panelcfg/x/DashboardListPanelCfg_types.gen',
  'state-timeline': 'statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen',
};
const WITHOUT_FIELDS = ['stat', 'bargauge', 'dashlist']; // they have no custom field options
// Keys that Grafana reads but its published types leave out; our own lint looks at them.
const UNTYPED = { variable: ['definition'], annotation: ['expr', 'step', 'titleFormat', 'textFormat'] };

const name = (type) => type.replace('-', '_');
let source = `import type { Dashboard } from '@grafana/schema';\n`;
for (const [type, file] of Object.entries(PANELS)) source += `import type * as ${name(type)} from '${TYPES}${file}';\n`;
// JSON's strings are no enums: let an enum be any of its values, and everything stay as strict as it was.
source += `type Loose<T> = T extends string ? (string extends T ? string : \`\${T}\`) : T extends number ? number
  : T extends boolean ? T : T extends (infer U)[] ? Loose<U>[] : T extends object ? {[K in keyof T]: Loose<T[K]>} : T;\n`;

let counter = 0;
const origin = []; // [first line, what is checked from there on]
const check = (where, type, value) => {
  origin.push([source.split('\n').length, where]);
  source += `const c${counter++}: Loose<${type}> = ${JSON.stringify(value, null, 1)};\n`;
};

for (const file of process.argv.slice(2)) {
  const dashboard = JSON.parse(fs.readFileSync(file, 'utf8'));
  const at = path.basename(file);
  for (const variable of dashboard.templating?.list ?? []) UNTYPED.variable.forEach((key) => delete variable[key]);
  for (const annotation of dashboard.annotations?.list ?? []) UNTYPED.annotation.forEach((key) => delete annotation[key]);
  check(at, 'Dashboard', dashboard);
  for (const panel of dashboard.panels) {
    if (panel.type === 'row') continue;
    const where = `${at}: ${panel.title}`;
    if (!PANELS[panel.type]) {
      check(where, `'${Object.keys(PANELS).join("'|'")}'`, panel.type);
      continue;
    }
    const types = name(panel.type);
    check(where, `Partial<${types}.Options>`, panel.options ?? {});
    if (WITHOUT_FIELDS.includes(panel.type)) continue;
    check(where, `Partial<${types}.FieldConfig>`, panel.fieldConfig?.defaults?.custom ?? {});
    for (const { id, value } of (panel.fieldConfig?.overrides ?? []).flatMap((override) => override.properties))
      if (id.startsWith('custom.')) check(where, `Partial<${types}.FieldConfig>`, { [id.slice(7)]: value });
  }
}

const generated = `check-${process.pid}.ts`;
fs.writeFileSync(generated, source);
const program = ts.createProgram([generated], {
  noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const problems = ts.getPreEmitDiagnostics(program);
fs.rmSync(generated);
for (const problem of problems) {
  const line = problem.file ? problem.file.getLineAndCharacterOfPosition(problem.start).line + 1 : 0;
  const [, where] = origin.findLast(([first]) => first <= line) ?? [0, problem.file?.fileName ?? '?'];
  console.log(`${where}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' | ').slice(0, 300)}`);
}
process.exit(problems.length ? 1 : 0);
