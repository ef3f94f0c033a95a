package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"payple_exporter/hub"
)

// request is what a client asks, as far as it can be read, and in what it
// departs from the documented form.
type request struct {
	endpoint   hub.Endpoint
	strict     bool
	body       map[string]string
	token      string
	departures []string
	refusal    string // the result code that refuses it for its form; empty if none does
}

// depart notes a departure. It refuses the request with code where the hub
// cannot do without what is wrong, or is strict; the first code counts.
func (q *request) depart(needed bool, code, format string, args ...any) {
	q.departures = append(q.departures, string(q.endpoint)+": "+fmt.Sprintf(format, args...))
	if (needed || q.strict) && q.refusal == "" {
		q.refusal = code
	}
}

// read reads a request. What live clients send is not refused, unless the hub
// is strict.
func read(r *http.Request, endpoint hub.Endpoint, strict bool) *request {
	q := &request{endpoint: endpoint, strict: strict}
	if r.Method != http.MethodPost {
		q.depart(true, "T0100", "method %.20s, not POST", r.Method)
	}
	if r.URL.RawQuery != "" {
		q.depart(false, "T0100", "a query behind the path")
	}
	q.checkHeader(r.Header, "Content-Type", "application/json")
	q.checkHeader(r.Header, "Cache-Control", "no-cache")
	fields := []string{"cst_id", "custKey", "code"}
	if endpoint == hub.EndpointRemain {
		fields = fields[:2]
		q.checkHeader(r.Header, "Accept", "application/json")
	}
	q.readBody(r.Body, fields)
	if endpoint == hub.EndpointRemain {
		q.readToken(r.Header.Values("Authorization"))
	} else if code := q.body["code"]; code != "" {
		q.checkCode(code)
	}
	return q
}

func (q *request) checkHeader(header http.Header, name, want string) {
	if got := header.Values(name); len(got) != 1 || got[0] != want {
		q.depart(false, "T0100", "header %s is %.100q, not %q", name, got, want)
	}
}

// readBody reads an object of texts, in which the fields are to be and nothing
// else.
func (q *request) readBody(body io.Reader, fields []string) {
	text, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil {
		q.refusal = "T0100" // broken off, which departs from nothing
		return
	}
	if json.Unmarshal(text, &q.body) != nil || q.body == nil {
		q.depart(true, "T0100", "the body is no JSON object of texts")
		q.body = nil
		return
	}
	quotes := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // what is escaped
		case '"':
			quotes++
		}
	}
	if quotes > 4*len(q.body) {
		q.depart(false, "T0100", "a field of the body stands there twice")
	}
	for name := range q.body {
		if !slices.Contains(fields, name) {
			q.depart(false, "T0100", "the body has an undocumented field %.100q", name)
		}
	}
	for i, name := range fields {
		if q.body[name] == "" {
			q.depart(true, []string{"T0200", "T0201", "T0210"}[i], "the body has no %s", name)
		}
	}
}

// readToken reads the header Authorization. It may hold a secret: none of it is
// noted.
func (q *request) readToken(headers []string) {
	scheme, token, _ := strings.Cut(strings.Join(headers, ","), " ")
	q.token = strings.TrimSpace(token)
	known := strings.EqualFold(scheme, "Bearer") && q.token != "" && !strings.ContainsAny(q.token, " ,")
	if !known || scheme != "Bearer" || token != q.token {
		q.depart(!known, deadToken, "header Authorization is not Bearer, a blank and the token")
	}
}

// checkCode looks at the code that the caller made for the request.
func (q *request) checkCode(code string) {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	formed := len(code) == 10 && strings.Trim(code, digits+letters) == ""
	if !formed || !strings.ContainsAny(code, digits) || !strings.ContainsAny(code, letters) {
		q.depart(!formed, "T0211", "the code is not ten letters and digits, some of each")
	}
}
