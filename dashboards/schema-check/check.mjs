// Writes the dashboards as one TypeScript file and has the compiler check it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dashboards = dirname(here);
const files = readdirSync(dashboards).filter((name) => name.endsWith('.json'));
if (files.length === 0) {
  throw new Error(`no dashboards in ${dashboards}`);
}
const lines = files.map(
  (name, i) => `// ${name}\nexport const dashboard${i} = ${readFileSync(join(dashboards, name), 'utf8').trim()} satisfies OurDashboard;\n`,
);
writeFileSync(join(here, 'generated.ts'), `import type { OurDashboard } from './types';\n\n${lines.join('\n')}`);
try {
  execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '--project', here], { stdio: 'inherit' });
} catch {
  process.exit(1); // the compiler has said why
}
console.log(`${files.length} dashboards have the types that Grafana publishes`);
