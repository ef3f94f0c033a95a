package hub_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// benchHub listens on loopback and answers every request as documented, with
// as little work as possible: what is measured is this side.
func benchHub(b *testing.B) string {
	b.Helper()
	const (
		remain = `{"result":"A0000","message":"처리 성공","cst_id":"test","total_account_amt":"10000000",` +
			`"total_transfer_amt":"56000","remain_amt":"9944000","api_tran_dtm":"20211103090426239"}`
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, remain)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// BenchmarkQuery measures a remain request over loopback beside a bare POST of
// the same bytes over a connection that is kept: compare ours with bare.
func BenchmarkQuery(b *testing.B) {
	url := benchHub(b)
	b.Run("bare", func(b *testing.B) {
		body := []byte(`{"cst_id":"test","custKey":"abcd1234567890"}`)
		transport := hub.NewTransport(1)
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		b.ReportAllocs()
		for b.Loop() {
			response, err := client.Post(url+"/account/remain", "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	})
	b.Run("ours", func(b *testing.B) {
		transport := hub.NewTransport(1)
		defer transport.CloseIdleConnections()
		client := hub.NewClient(hub.Options{URL: url, Transport: transport})
		credentials := hub.Credentials{CstID: "test", CustKey: hub.NewSecret("abcd1234567890")}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Remain(b.Context(), hub.Token{}, credentials); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSession measures a whole query of the simulated hub, which checks
// all that it is sent: with a remembered token, and with a new one each time.
func BenchmarkSession(b *testing.B) {
	for name, forgetful := range map[string]bool{"remembered-token": false, "new-token": true} {
		b.Run(name, func(b *testing.B) {
			simulated := stand.NewHub(b, simulator.Options{}, simulator.Partner{CstID: cstID, CustKey: custKey})
			server := httptest.NewServer(simulated)
			defer server.Close()
			client := hub.NewClient(hub.Options{URL: server.URL})
			key := hub.FixedKey(hub.NewSecret(custKey), "the benchmark")
			session := hub.NewSession(client, cstID, key)
			b.ReportAllocs()
			for b.Loop() {
				if forgetful {
					session = hub.NewSession(client, cstID, key)
				}
				if _, err := session.Remain(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
