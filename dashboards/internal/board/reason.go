package board

import (
	"payple_exporter/dashboards/internal/grafana"
	"payple_exporter/hub"
)

// inWords says what a reason is called where an operator reads it.
func inWords(reason hub.Reason) string {
	switch reason {
	case hub.ReasonTimeout:
		return "No answer in time"
	case hub.ReasonNetwork:
		return "No connection"
	case hub.ReasonTLS:
		return "Connection not to be trusted"
	case hub.ReasonHTTPStatus:
		return "Hub out of order"
	case hub.ReasonRateLimited:
		return "Asked too often"
	case hub.ReasonAuth:
		return "Access refused"
	case hub.ReasonIPNotAllowed:
		return "Our address is not registered with Payple"
	case hub.ReasonClosed:
		return "Closed for now"
	case hub.ReasonRejected:
		return "Refused by the hub"
	case hub.ReasonInvalidResponse:
		return "Answer not to be believed"
	case hub.ReasonConfig:
		return "Key not found"
	}
	return string(reason)
}

// reasonWords is inWords for a column.
func reasonWords() map[string]grafana.Words {
	all := make(map[string]grafana.Words)
	for i, reason := range hub.Reasons() {
		all[string(reason)] = grafana.Words{Text: inWords(reason), Color: red, Index: i}
	}
	return all
}

// reasonsNamed is inWords for a panel whose series are reasons.
func reasonsNamed(p grafana.Panel) grafana.Panel {
	for _, reason := range hub.Reasons() {
		p = override(p, "byName", string(reason), set("displayName", inWords(reason)))
	}
	return p
}
