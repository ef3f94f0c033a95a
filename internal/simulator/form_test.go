package simulator_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/secrets"
	"payple_exporter/internal/test/stand"
)

// asking is a client of another make than the exporter.
type asking struct {
	hub *simulator.Hub
	t   *testing.T
}

func newAsking(t *testing.T, options simulator.Options) asking {
	return asking{simulator.New(options, simulator.Partner{CstID: "store", CustKey: simKey}), t}
}

const documentedToken, documentedRemain = `{"cst_id":"store","custKey":"` + simKey + `","code":"as12345678"}`, `{"cst_id":"store","custKey":"` + simKey + `"}`

// send sends a request as documented, but for some headers ("" takes one out,
// and a bar makes it two), and returns status and fields of the answer.
func (a asking) send(method, target, body string, changed map[string]string) (int, map[string]any) {
	a.t.Helper()
	request := httptest.NewRequestWithContext(a.t.Context(), method, target, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(target, "/account/") {
		request.Header.Set("Accept", "application/json")
	}
	for name, value := range changed {
		request.Header.Del(name)
		for one := range strings.SplitSeq(value, "|") {
			if one != "" {
				request.Header.Add(name, one)
			}
		}
	}
	recorder := httptest.NewRecorder()
	a.hub.ServeHTTP(recorder, request)
	var fields map[string]any
	if text := recorder.Body.Bytes(); json.Valid(text) {
		if err := json.Unmarshal(text, &fields); err != nil {
			a.t.Fatal(err)
		}
	}
	return recorder.Code, fields
}

func (a asking) token() string {
	a.t.Helper()
	_, fields := a.send(http.MethodPost, "/oauth/token", documentedToken, nil)
	token, _ := fields["access_token"].(string)
	return token
}

// A request gets the result code that it would get of the hub, or figures where
// live clients send such a thing; what is not as documented is noted, and
// refused by a strict hub.
func TestFormOfRequests(t *testing.T) {
	t.Parallel()
	const (
		post, token, remain = http.MethodPost, "/oauth/token", "/account/remain"
		good, limit, none   = "T0000", "A0000", ""
	)
	asked := func(code string) string { return strings.Replace(documentedToken, "as12345678", code, 1) }
	without := func(field string) string {
		var fields map[string]string
		if err := json.Unmarshal([]byte(documentedToken), &fields); err != nil {
			t.Fatal(err)
		}
		delete(fields, field)
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	type header = map[string]string
	for name, test := range map[string]struct {
		method, target, body  string
		header                header
		want, strict, departs string
	}{
		"token":  {post, token, documentedToken, nil, good, good, none},
		"remain": {post, remain, documentedRemain, nil, limit, limit, none},
		"Referer, User-Agent": {
			post, remain, documentedRemain, header{"Referer": "https://shop.example", "User-Agent": "curl/8"}, limit, limit, none,
		},
		"fields in another order, blanks": {
			post, token, "\n{ \"code\" : \"as12345678\" ,\t\"custKey\": \"" + simKey + "\", \"cst_id\":\"store\" } \r\n", nil, good, good, none,
		},
		// What live clients send.
		"no Accept":        {post, remain, documentedRemain, header{"Accept": ""}, limit, "T0100", `remain: header Accept is [], not "application/json"`},
		"any Accept":       {post, remain, documentedRemain, header{"Accept": "*/*"}, limit, "T0100", `remain: header Accept is ["*/*"]`},
		"charset":          {post, token, documentedToken, header{"Content-Type": "application/json; charset=utf-8"}, good, "T0100", "token: header Content-Type"},
		"no Content-Type":  {post, token, documentedToken, header{"Content-Type": ""}, good, "T0100", "token: header Content-Type"},
		"no Cache-Control": {post, token, documentedToken, header{"Cache-Control": ""}, good, "T0100", "token: header Cache-Control"},
		"sub_id": {
			post, remain, strings.Replace(documentedRemain, "{", `{"sub_id":"s1",`, 1), nil, limit, "T0100", `remain: the body has an undocumented field "sub_id"`,
		},
		"bearer":              {post, remain, documentedRemain, header{"Authorization": "bearer TOKEN"}, limit, "T0400", "remain: header Authorization"},
		"code of letters":     {post, token, asked("abcdefghij"), nil, good, "T0211", "token: the code"},
		"code of digits":      {post, token, asked("0123456789"), nil, good, "T0211", "token: the code"},
		"a header twice":      {post, token, documentedToken, header{"Cache-Control": "no-cache|no-cache"}, good, "T0100", "token: header Cache-Control"},
		"a field twice":       {post, remain, strings.Replace(documentedRemain, "{", `{"cst_id":"other",`, 1), nil, limit, "T0100", "remain: a field of the body stands there twice"},
		"quotes":              {post, token, strings.Replace(documentedToken, "store", `\"st\\ore\"`, 1), nil, "T0300", "T0300", none},
		"a query":             {post, token + "?t=1", documentedToken, nil, good, "T0100", "token: a query"},
		"two blanks":          {post, remain, documentedRemain, header{"Authorization": "Bearer  TOKEN"}, limit, "T0400", "remain: header Authorization"},
		"Authorization twice": {post, remain, documentedRemain, header{"Authorization": "Bearer TOKEN|Bearer TOKEN"}, "T0400", "T0400", "remain: header Authorization"},
		// What no hub can answer.
		"GET":              {http.MethodGet, token, documentedToken, nil, "T0100", "T0100", "token: method GET, not POST"},
		"no body":          {post, token, "", nil, "T0100", "T0100", "token: the body"},
		"a form":           {post, token, "cst_id=store&custKey=" + simKey, nil, "T0100", "T0100", "token: the body"},
		"half":             {post, remain, documentedRemain[:20], nil, "T0100", "T0100", "remain: the body"},
		"null":             {post, remain, "null", nil, "T0100", "T0100", "remain: the body"},
		"a list":           {post, remain, "[]", nil, "T0100", "T0100", "remain: the body"},
		"a number":         {post, token, `{"cst_id":1}`, nil, "T0100", "T0100", "token: the body"},
		"an object inside": {post, token, `{"cst_id":{}}`, nil, "T0100", "T0100", "token: the body"},
		"two answers":      {post, remain, documentedRemain + documentedRemain, nil, "T0100", "T0100", "remain: the body"},
		"far too long":     {post, remain, strings.Replace(documentedRemain, "{", `{"x":"`+strings.Repeat("x", 1<<17)+`",`, 1), nil, "T0100", "T0100", "remain: the body"},
		"no cst_id":        {post, token, without("cst_id"), nil, "T0200", "T0200", "token: the body has no cst_id"},
		"no custKey":       {post, token, without("custKey"), nil, "T0201", "T0201", "token: the body has no custKey"},
		"no code":          {post, token, without("code"), nil, "T0210", "T0210", "token: the body has no code"},
		"short code":       {post, token, asked("as1234567"), nil, "T0211", "T0211", "token: the code"},
		"long code":        {post, token, asked("as123456789"), nil, "T0211", "T0211", "token: the code"},
		"underscore":       {post, token, asked("as_1234567"), nil, "T0211", "T0211", "token: the code"},
		"Korean code":      {post, token, asked("a1가나"), nil, "T0211", "T0211", "token: the code"},
		"no Authorization": {post, remain, documentedRemain, header{"Authorization": ""}, "T0400", "T0400", "remain: header Authorization"},
		"a bare token":     {post, remain, documentedRemain, header{"Authorization": "TOKEN"}, "T0400", "T0400", "remain: header Authorization"},
		"a comma":          {post, remain, documentedRemain, header{"Authorization": "Bearer, TOKEN"}, "T0400", "T0400", "remain: header Authorization"},
		"Bearer alone":     {post, remain, documentedRemain, header{"Authorization": "Bearer "}, "T0400", "T0400", "remain: header Authorization"},
		// As documented, and refused.
		"a wrong token": {post, remain, documentedRemain, header{"Authorization": "Bearer eyJ"}, "T0400", "T0400", none},
		"a wrong key":   {post, token, strings.Replace(documentedToken, simKey, "other", 1), nil, "T0300", "T0300", none},
		"nobody":        {post, token, strings.Replace(documentedToken, "store", "nobody", 1), nil, "T0300", "T0300", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for strict, want := range map[bool]string{false: test.want, true: test.strict} {
				a := newAsking(t, simulator.Options{Strict: strict})
				headers := header{}
				if test.target == remain {
					headers["Authorization"] = "Bearer TOKEN"
				}
				maps.Copy(headers, test.header)
				if given := headers["Authorization"]; strings.Contains(given, "TOKEN") {
					headers["Authorization"] = strings.ReplaceAll(given, "TOKEN", a.token())
				}
				status, fields := a.send(test.method, test.target, test.body, headers)
				if status != http.StatusOK || fields["result"] != want {
					t.Errorf("strict %t: HTTP %d, %v; want %s", strict, status, fields, want)
				}
				departures := a.hub.Departures()
				if test.departs == none && len(departures) > 0 || test.departs != none && (len(departures) != 1 || !strings.HasPrefix(departures[0], test.departs)) {
					t.Errorf("strict %t: noted %q, want %q", strict, departures, test.departs)
				}
			}
		})
	}
}

// A request whose answer may have got lost comes again as it is. A code that
// comes again after its token was shown is noted.
func TestTheSameCodeTwice(t *testing.T) {
	t.Parallel()
	for strict, want := range map[bool]string{false: "T0000", true: "T0211"} {
		a := newAsking(t, simulator.Options{Strict: strict})
		first, second := a.token(), a.token()
		if departures := a.hub.Departures(); first == "" || second == "" || len(departures) > 0 {
			t.Errorf("strict %t: a repeated request gets %q, noted %q", strict, second, departures)
		}
		a.send(http.MethodPost, "/account/remain", documentedRemain, map[string]string{"Authorization": "Bearer " + second})
		for range 2 {
			_, fields := a.send(http.MethodPost, "/oauth/token", documentedToken, nil)
			if departures := a.hub.Departures(); fields["result"] != want || len(departures) != 1 || departures[0] != "token: the code of an earlier request, whose token was used" {
				t.Errorf("strict %t: %v, noted %q; want %s, and noted once", strict, fields, departures, want)
			}
		}
	}
}

// A token that has had its time, or was ended, is refused with T0400, another
// partner's with T0320; a planned fault goes before either.
func TestTokensThatAreNoLongerGood(t *testing.T) {
	t.Parallel()
	clock := &simulator.Clock{}
	a := asking{simulator.New(simulator.Options{Now: clock.Now},
		simulator.Partner{CstID: "store", CustKey: simKey}, simulator.Partner{CstID: "other", CustKey: simKey}), t}
	token := a.token()
	result := func(cstID string) any {
		_, fields := a.send(http.MethodPost, "/account/remain", strings.Replace(documentedRemain, "store", cstID, 1), map[string]string{"Authorization": "Bearer " + token})
		return fields["result"]
	}
	expect := func(cstID, want string) {
		t.Helper()
		if got := result(cstID); got != want {
			t.Errorf("%s gets %v, want %s", cstID, got, want)
		}
	}
	expect("store", "A0000")
	expect("other", "T0320")
	clock.Advance(time.Minute - 1)
	expect("store", "A0000")
	clock.Advance(1)
	expect("store", "T0400")
	expect("other", "T0400")
	if err := a.hub.Apply("store", "", "result=T0310"); err != nil {
		t.Fatal(err)
	}
	expect("store", "T0310")
}

// Whatever is asked, an answer comes, and no secret is noted; a strict hub answers as
// another where nothing is noted, and gives nothing where something is.
func FuzzForm(f *testing.F) {
	f.Add("token", documentedToken, "application/json", "", "no-cache")
	f.Add("remain", documentedRemain, "application/json; charset=utf-8", "Bearer", "")
	f.Add("remain", `{"cst_id":"store","custKey":null,"sub_id":"","cst_id":"other"}`, "", "bearer ,", "*/*")
	f.Fuzz(func(t *testing.T, endpoint, body, contentType, authorization, cache string) {
		target := map[bool]string{true: "/oauth/token", false: "/account/remain"}[endpoint == "token"]
		var results [2]any
		for i, strict := range []bool{false, true} {
			a := newAsking(t, simulator.Options{Strict: strict})
			status, fields := a.send(http.MethodPost, target, body, map[string]string{
				"Content-Type": contentType, "Authorization": authorization, "Cache-Control": cache,
			})
			results[i] = fields["result"]
			departures := a.hub.Departures()
			if status != http.StatusOK || results[i] == nil || len(departures) == 0 && results[i] != results[0] {
				t.Errorf("strict %t: HTTP %d, %v, noted %q", strict, status, fields, departures)
			}
			if given := results[i] == "T0000" || results[i] == "A0000"; strict && given && len(departures) > 0 {
				t.Errorf("a strict hub gives %v in spite of %q", fields, departures)
			}
			secrets.ExpectNone(t, "what is noted", strings.Join(departures, "\n"), simKey)
		}
	})
}

// What is noted can be read while the hub runs, is no secret, and has an end
// whatever is asked.
func TestDeparturesCanBeRead(t *testing.T) {
	t.Parallel()
	a := newAsking(t, simulator.Options{})
	url := stand.ServeHub(t, a.hub).URL
	read := func() (departures []string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/simulator/departures", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || json.Unmarshal(text, &departures) != nil || departures == nil {
			t.Fatalf("answers %q, %v", text, err)
		}
		secrets.ExpectNone(t, "the list", string(text), simKey)
		return departures
	}
	if departures := read(); len(departures) > 0 {
		t.Errorf("%q before anything is asked", departures)
	}
	a.send(http.MethodPost, "/oauth/token", strings.Replace(documentedToken, "as12345678", simKey, 1), nil)
	a.send(http.MethodPost, "/account/remain", documentedRemain, map[string]string{"Authorization": simKey})
	a.send(http.MethodPost, "/transfer/execute", "", nil)
	want := []string{
		"token: the code is not ten letters and digits, some of each", "remain: header Authorization is not Bearer, a blank and the token", `no such endpoint: "/transfer/execute"`,
	}
	if departures := read(); !slices.Equal(departures, want) {
		t.Errorf("noted %q, want %q", departures, want)
	}
	for i := range 3000 {
		a.send(http.MethodPost, "/"+strings.Repeat("x", i), "", nil)
	}
	if departures := read(); len(departures) > 1000 || len(strings.Join(departures, "")) > 1<<20 {
		t.Errorf("%d departures are kept", len(departures))
	}
}
