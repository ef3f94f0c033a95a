// Package hub is a client of the Payple hub, for one question: how much may a
// partner still pay out?
//
// The hub answers it in two steps: [Client.Token] exchanges the partner's
// custKey for a token that lives about a minute, [Client.Remain] shows the
// token and gets the figures. A [Session] ties the two: it remembers one
// merchant's token and replaces it when it is old or refused.
//
// The package holds no policy: it never waits, never asks again (but for the
// one fresh token a Session asks for) and keeps no figure. Every error it
// returns is an [*Error], whose text never holds a secret, nor anything that
// the hub wrote except its result code and the name of a missing certificate.
package hub
