// What a dashboard's file must look like, by the types that Grafana publishes.
import type { AnnotationQuery, Dashboard, DataQuery, Panel, RowPanel } from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as stateTimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.d.ts';
import type * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts';
import type * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';

/** JSON has the words of an enum, not the enum. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? T | (`${T}` extends `${infer N extends number}` ? N : never)
    : T extends readonly (infer U)[]
      ? Plain<U>[]
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

/** A panel of one type, with the options that are that type's. */
type PanelOf<Type extends string, Options, Custom = {}> = Omit<Panel, 'type' | 'options' | 'fieldConfig'> & {
  type: Type;
  options: Options;
  fieldConfig: Omit<NonNullable<Panel['fieldConfig']>, 'defaults'> & {
    defaults: Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'> & { custom?: Custom };
  };
};

type OurPanel =
  | PanelOf<'stat', stat.Options>
  | PanelOf<'state-timeline', stateTimeline.Options, stateTimeline.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;

/** Of the Prometheus datasource, which publishes no types. */
type PrometheusQuery = DataQuery & {
  expr: string;
  legendFormat?: string;
  format: 'time_series' | 'table';
  instant: boolean;
  range: boolean;
  editorMode: 'code';
};

type OurAnnotation = AnnotationQuery<PrometheusQuery> & { titleFormat: string; textFormat: string };

export type OurDashboard = Plain<
  Omit<Dashboard, 'panels' | 'annotations'> & {
    panels: (OurPanel | RowPanel)[];
    annotations: { list: OurAnnotation[] };
  }
>;
