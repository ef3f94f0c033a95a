// The alert rules and the dashboards of this repository, for those who keep theirs in jsonnet. See README.md beside this file.
local groups = std.parseYaml(importstr '../alerts/payple.rules.yml').groups;
local having(field) = {
  groups: [
    group { rules: [rule for rule in group.rules if std.objectHas(rule, field)] }
    for group in groups
    if std.length([rule for rule in group.rules if std.objectHas(rule, field)]) > 0
  ],
};

{
  prometheusAlerts+:: having('alert'),
  prometheusRules+:: having('record'),
  grafanaDashboards+:: {
    'payple-exporter.json': import '../dashboards/payple-exporter.json',
    'payple-merchant.json': import '../dashboards/payple-merchant.json',
    'payple-overview.json': import '../dashboards/payple-overview.json',
  },
}
