// Package grafana is as much of Grafana's dashboard JSON as our dashboards use.
package grafana

import (
	"bytes"
	"encoding/json"
)

// Dashboard is a whole dashboard.
type Dashboard struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	SchemaVersion int         `json:"schemaVersion"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"`
	Timezone      string      `json:"timezone"`
	Refresh       string      `json:"refresh"`
	Time          TimeRange   `json:"time"`
	Links         []Link      `json:"links"`
	Annotations   Annotations `json:"annotations"`
	Templating    Templating  `json:"templating"`
	Panels        []Panel     `json:"panels"`
}

// SharedCrosshair is the GraphTooltip that shows one moment on all panels.
const SharedCrosshair = 1

// JSON returns the dashboard as a file to be committed.
func (d Dashboard) JSON() ([]byte, error) {
	var file bytes.Buffer
	encoder := json.NewEncoder(&file)
	encoder.SetEscapeHTML(false) // a query with ">" is to be readable
	encoder.SetIndent("", "  ")
	err := encoder.Encode(d)
	return file.Bytes(), err
}

// TimeRange is what a dashboard shows when it is opened.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Link leads from a dashboard to others with the same tags.
type Link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	TargetBlank bool     `json:"targetBlank"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
}

// Annotations are the marks that are drawn over all graphs.
type Annotations struct {
	List []Annotation `json:"list"`
}

// Annotation is one kind of mark. A query's series are its marks: those that
// exist at a moment mark it.
type Annotation struct {
	Name        string     `json:"name"`
	Enable      bool       `json:"enable"`
	IconColor   string     `json:"iconColor"`
	Datasource  Datasource `json:"datasource"`
	Target      Target     `json:"target"`
	TitleFormat string     `json:"titleFormat"`
	TextFormat  string     `json:"textFormat"`
}

// Datasource names where data come from.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Templating holds the variables of a dashboard.
type Templating struct {
	List []Variable `json:"list"`
}

// Variable is what a reader can choose at the top of a dashboard.
type Variable struct {
	Name        string         `json:"name"`
	Label       string         `json:"label"`
	Description string         `json:"description"`
	Type        string         `json:"type"`
	Datasource  *Datasource    `json:"datasource,omitempty"`
	Query       any            `json:"query"`
	Refresh     int            `json:"refresh"`
	Sort        int            `json:"sort,omitempty"`
	Multi       bool           `json:"multi"`
	IncludeAll  bool           `json:"includeAll"`
	AllValue    string         `json:"allValue,omitempty"`
	Current     *VariableValue `json:"current,omitempty"`
}

// What Refresh and Sort of a Variable may be.
const (
	RefreshOnLoad      = 1
	RefreshOnTimeRange = 2
	SortAlphabetical   = 1
)

// VariableQuery is how Grafana's Prometheus datasource takes the query of a
// variable.
type VariableQuery struct {
	Query string `json:"query"`
	RefID string `json:"refId"`
}

// VariableValue is what is chosen when a dashboard is opened.
type VariableValue struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Panel is a panel or, with Type "row", the heading of those that follow.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	Repeat          string           `json:"repeat,omitempty"`
	Collapsed       *bool            `json:"collapsed,omitempty"`
	Panels          *[]Panel         `json:"panels,omitempty"`
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	FieldConfig     *FieldConfig     `json:"fieldConfig,omitempty"`
	Options         map[string]any   `json:"options,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
}

// Row is the type of a panel that is a heading.
const Row = "row"

// GridPos is where a panel stands on the grid of GridWidth columns.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// GridWidth is how many columns Grafana's grid has.
const GridWidth = 24

// Target is one query of a panel.
type Target struct {
	RefID        string     `json:"refId"`
	Datasource   Datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat,omitempty"`
	Format       string     `json:"format"`
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
	EditorMode   string     `json:"editorMode"`
}

// FieldConfig says how values are shown.
type FieldConfig struct {
	Defaults  Field      `json:"defaults"`
	Overrides []Override `json:"overrides"`
}

// Field is how one kind of value is shown.
type Field struct {
	Unit       string         `json:"unit,omitempty"`
	Decimals   *int           `json:"decimals,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	NoValue    string         `json:"noValue,omitempty"`
	Color      Color          `json:"color"`
	Thresholds Thresholds     `json:"thresholds"`
	Mappings   []Mapping      `json:"mappings,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
}

// Color is where the colour of a value comes from.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor,omitempty"`
}

// Thresholds give values colours.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// Step is the colour from a value on. The first step of all has no value: it
// is also the colour of what is not there.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Mapping replaces values by words.
type Mapping struct {
	Type    string `json:"type"`
	Options any    `json:"options"`
}

// Special is the Options of a Mapping for values such as "nothing there".
type Special struct {
	Match  string `json:"match"`
	Result Words  `json:"result"`
}

// Words is what a Mapping shows instead of a value.
type Words struct {
	Text  string `json:"text"`
	Color string `json:"color"`
	Index int    `json:"index"`
}

// Override changes how some fields are shown.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher chooses the fields of an Override.
type Matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

// Property is what an Override changes.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// Transformation changes a panel's tables before they are shown.
type Transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}
