package hub

import "errors"

// result is what is known of a result code.
type result struct {
	reason  Reason
	meaning string
}

// lookUp returns what the hub's documentation and integrations say of a result
// code.
func lookUp(code string) (result, bool) {
	switch code {
	case "T0200":
		return result{ReasonConfig, "cst_id is missing"}, true
	case "T0201":
		return result{ReasonConfig, "custKey is missing"}, true
	case "T0100":
		return result{ReasonRejected, "the form of the request is refused"}, true
	case "T0210", "T0211":
		return result{ReasonRejected, "the request's code is missing or malformed"}, true
	case "T0300":
		return result{ReasonAuth, "unknown partner or key, or payouts not set up"}, true
	case "T0310":
		return result{ReasonIPNotAllowed, ReasonIPNotAllowed.Meaning()}, true
	case "T0320":
		return result{ReasonAuth, "the token belongs to another partner"}, true
	case "T0322":
		return result{ReasonAuth, "the id is no registered partner of this service"}, true
	case "T0400":
		return result{ReasonRejected, "the token is not valid, or no longer"}, true
	case "A0007", "A0017":
		return result{ReasonRejected, "time-out at the institution"}, true
	case "A0009":
		return result{ReasonRejected, "the institution refused the request"}, true
	case "T0996":
		return result{ReasonClosed, "bank maintenance"}, true
	case "T0997":
		return result{ReasonClosed, "outside the hub's hours"}, true
	}
	return result{}, false
}

// Meaning says in a few words why there are no figures: by the result code if
// it is a known one, by the cause if that says more, else by the reason.
func (e *Error) Meaning() string {
	known, ok := lookUp(e.Code)
	missing, issuer := errors.AsType[MissingIssuerError](e)
	differs, spelling := errors.AsType[CaseError](e)
	switch {
	case ok:
		return known.meaning
	case issuer:
		return missing.Error()
	case spelling:
		return differs.Error()
	case errors.Is(e, ErrNoCommonTLS):
		return ErrNoCommonTLS.Error()
	}
	return e.Reason.Meaning()
}

// Meaning says in a few words what a reason means.
func (r Reason) Meaning() string {
	switch r {
	case ReasonTimeout:
		return "the hub did not answer in time"
	case ReasonNetwork:
		return "the hub cannot be reached"
	case ReasonTLS:
		return "the connection to the hub cannot be trusted"
	case ReasonHTTPStatus:
		return "the hub answered with an error"
	case ReasonRateLimited:
		return "the hub limits our requests"
	case ReasonAuth:
		return "access refused"
	case ReasonIPNotAllowed:
		return "this address is not on the White IP list"
	case ReasonClosed:
		return "the hub or the bank is closed now"
	case ReasonRejected:
		return "the hub refused the request"
	case ReasonInvalidResponse:
		return "the hub's answer is not valid"
	case ReasonConfig:
		return "there is nothing usable to ask with"
	}
	return ""
}
