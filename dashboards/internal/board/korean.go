package board

import (
	_ "embed"
	"encoding/json"
	"regexp"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
)

//go:embed korean.json
var koreanTexts []byte

// koreanSuffix is what the identifiers of the Korean dashboards have besides, so that both sets can be installed.
const koreanSuffix = "-ko"

// inKorean returns a dashboard's file with its texts in Korean: every string in it that is in the table, and the identifiers of ours.
func inKorean(file []byte) []byte {
	table := Texts()
	file = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllFunc(file, func(literal []byte) []byte {
		var english string
		if json.Unmarshal(literal, &english) != nil {
			return literal
		}
		korean, ok := table[english]
		if !ok {
			return literal
		}
		translated, err := json.Marshal(korean)
		if err != nil {
			panic(err) // no string fails
		}
		return translated
	})
	return regexp.MustCompile(`\b(?:`+overviewUID+`|`+merchantUID+`|`+exporterUID+`)\b`).ReplaceAll(file, []byte("$0"+koreanSuffix))
}

// Texts is every text that people read in a dashboard, in English and in Korean: those of korean.json, why the hub does not answer, as the
// page says it, and the tag, so that links lead to dashboards of the same language.
func Texts() map[string]string {
	all := map[string]string{tag: tag + koreanSuffix}
	if err := json.Unmarshal(koreanTexts, &all); err != nil {
		panic(err) // nothing in it depends on input
	}
	for _, reason := range hub.Reasons() {
		all[inWords(reason)] = advice.Problem(&hub.Error{Reason: reason}).Korean
	}
	return all
}
