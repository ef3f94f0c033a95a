// Package advice says what a person is told about a failure of the hub, in two
// languages: what is wrong, in a few words, and what to do, in one sentence. It
// goes by the hub's result code where that is a known one, then by the cause
// where that says more than the reason, else by the reason.
package advice

import (
	"errors"
	"net/http"
	"strconv"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// Problem says in a few words why there are no new figures, with the hub's
// result code or HTTP status where there is one. [hub.Error.Error] says more,
// for logs, in English only.
func Problem(e *hub.Error) lang.Text {
	problem := lang.Text{English: e.Meaning(), Korean: korean(e)}
	shown := e.Code
	if shown == "" && e.Status != 0 {
		switch e.Reason {
		case hub.ReasonHTTPStatus, hub.ReasonRateLimited, hub.ReasonAuth:
			shown = "HTTP " + strconv.Itoa(e.Status)
		default: // then the status says nothing
		}
	}
	if shown == "" {
		return problem
	}
	return lang.Text{English: problem.English + " (" + shown + ")", Korean: problem.Korean + "(" + shown + ")"}
}

// Action says what a person must do about a failure, in one sentence.
func Action(e *hub.Error) lang.Text {
	known, ok := find(e)
	switch {
	case e.Code == "T0300" && e.KeyWrapped:
		return lang.Text{
			English: known.action.English + "; the key that was sent begins or ends with a blank or a quote: take it out, unless it belongs to the key",
			Korean:  known.action.Korean + " 전송한 키의 앞이나 뒤에 공백 또는 따옴표가 있으니, 키의 일부가 아니라면 지우세요.",
		}
	case ok:
		return known.action
	}
	return ForReason(e.Reason)
}

// korean is [hub.Error.Meaning] in Korean.
func korean(e *hub.Error) string {
	if known, ok := find(e); ok {
		return known.korean
	}
	switch e.Reason {
	case hub.ReasonTimeout:
		return "허브가 제시간에 응답하지 않음"
	case hub.ReasonNetwork:
		return "허브에 연결할 수 없음"
	case hub.ReasonTLS:
		return "허브의 TLS 연결을 신뢰할 수 없음"
	case hub.ReasonHTTPStatus:
		return "허브가 오류로 응답함"
	case hub.ReasonRateLimited:
		return "허브의 요청 제한에 걸림"
	case hub.ReasonAuth:
		return "인증이 거부됨"
	case hub.ReasonIPNotAllowed:
		return "요청한 IP 주소가 White IP로 등록되어 있지 않음"
	case hub.ReasonClosed:
		return "지금은 허브 또는 은행의 이용 시간이 아님"
	case hub.ReasonRejected:
		return "허브가 요청을 거부함"
	case hub.ReasonInvalidResponse:
		return "허브의 응답 형식이 올바르지 않음"
	case hub.ReasonConfig:
		return "조회에 필요한 설정이 올바르지 않음"
	}
	return ""
}

// Name is what a reason is called in a table: its label, and a word or two in
// Korean.
func Name(reason hub.Reason) lang.Text {
	return lang.Text{English: string(reason), Korean: map[hub.Reason]string{
		hub.ReasonTimeout: "시간 초과", hub.ReasonNetwork: "연결 실패", hub.ReasonTLS: "TLS 오류", hub.ReasonHTTPStatus: "HTTP 오류",
		hub.ReasonRateLimited: "요청 제한", hub.ReasonAuth: "인증 거부", hub.ReasonIPNotAllowed: "IP 미등록", hub.ReasonClosed: "이용 시간 외",
		hub.ReasonRejected: "요청 거부", hub.ReasonInvalidResponse: "응답 오류", hub.ReasonConfig: "설정 오류",
	}[reason]}
}

// ForReason says what a person must do about a reason, in one sentence.
func ForReason(reason hub.Reason) lang.Text {
	switch reason {
	case hub.ReasonTimeout:
		return lang.Text{
			English: "check the way to the hub (proxy, firewall); if it answers slowly, raise --payple.timeout",
			Korean:  "허브까지의 경로(프록시, 방화벽)를 확인하세요. 응답이 느린 것이라면 --payple.timeout 값을 늘리세요.",
		}
	case hub.ReasonNetwork:
		return lang.Text{
			English: "check name resolution, proxy (HTTPS_PROXY) and firewall between here and the hub",
			Korean:  "이 서버와 허브 사이의 DNS, 프록시(HTTPS_PROXY), 방화벽을 확인하세요.",
		}
	case hub.ReasonTLS:
		return lang.Text{
			English: "check the CA certificates, the clock of this machine, and whether a proxy on the way decrypts the connection",
			Korean:  "CA 인증서와 이 서버의 시각, 그리고 중간에서 TLS 연결을 가로채는(복호화하는) 프록시가 있는지 확인하세요.",
		}
	case hub.ReasonHTTPStatus:
		return lang.Text{
			English: "wait; if it lasts, check the hub's address and call Payple",
			Korean:  "일시적일 수 있습니다. 계속되면 허브 주소를 확인하고 페이플에 문의하세요.",
		}
	case hub.ReasonRateLimited:
		return lang.Text{
			English: "wait; if it lasts, raise --payple.min-interval and look for others who ask with this partner id",
			Korean:  "일시적일 수 있습니다. 계속되면 --payple.min-interval 값을 늘리고, 같은 파트너 ID로 조회하는 다른 시스템이 있는지 확인하세요.",
		}
	case hub.ReasonAuth:
		return checkCredentials()
	case hub.ReasonIPNotAllowed:
		return registerAddress()
	case hub.ReasonClosed:
		return lang.Text{
			English: "wait until it opens again; there is nothing to repair here",
			Korean:  "점검이 끝나거나 이용 시간이 되면 다시 확인하세요. 이 서버에서 조치할 것은 없습니다.",
		}
	case hub.ReasonRejected:
		return lang.Text{
			English: "wait; if it lasts, call Payple and name the result code",
			Korean:  "일시적일 수 있습니다. 계속되면 응답 코드와 함께 페이플에 문의하세요.",
		}
	case hub.ReasonInvalidResponse:
		return lang.Text{
			English: "check the hub's address, and whether a proxy on the way changes the answer, then call Payple",
			Korean:  "허브 주소가 맞는지, 중간의 프록시가 응답을 바꾸지 않는지 확인한 뒤 페이플에 문의하세요.",
		}
	case hub.ReasonConfig:
		return lang.Text{
			English: "check the configuration: where the key is read from, and the partner id",
			Korean:  "설정에서 키를 읽어 오는 위치와 파트너 ID를 확인하세요.",
		}
	}
	return lang.Text{}
}

func checkCredentials() lang.Text {
	return lang.Text{
		English: "check cst_id and custKey, and whether they belong to the test or the real hub",
		Korean:  "cst_id와 custKey가 맞는지, 접속한 허브(테스트 또는 운영)용인지 확인하세요.",
	}
}

func registerAddress() lang.Text {
	return lang.Text{
		English: "have Payple register this machine's egress address on the partner's White IP list",
		Korean:  "이 서버에서 외부로 나가는 IP 주소(공인 IP)를 White IP로 등록해 달라고 페이플에 요청하세요.",
	}
}

// result is what a person is told about a result code or a cause.
type result struct {
	korean string // what [hub.Error.Meaning] says in English
	action lang.Text
}

func reportBug() lang.Text {
	return lang.Text{
		English: "check whether a proxy on the way changes requests; if none does, report a bug of payple_exporter",
		Korean:  "중간의 프록시가 요청을 바꾸지 않는지 확인하세요. 프록시 때문이 아니라면 payple_exporter의 버그입니다. 제보해 주세요.",
	}
}

// find returns what a person is told about a failure of which more is known
// than its reason.
func find(e *hub.Error) (result, bool) {
	if known, ok := lookUp(e.Code); ok {
		return known, true
	}
	return byCause(e)
}

// byCause returns what a person is told about a cause that says more than the
// reason.
func byCause(e *hub.Error) (result, bool) {
	missing, issuer := errors.AsType[hub.MissingIssuerError](e)
	differs, spelling := errors.AsType[hub.CaseError](e)
	switch {
	case e.Reason == hub.ReasonAuth && e.Status == http.StatusForbidden && e.Code == "":
		// Payple refuses a key with a result code.
		then := checkCredentials()
		return result{"접근이 거부됨", lang.Text{
			English: "check first whether a firewall, a proxy or Payple's address list (White IP) refuses this machine; then " + then.English,
			Korean:  "먼저 방화벽이나 프록시가 막고 있지 않은지, 이 서버의 공인 IP가 페이플의 White IP로 등록되어 있는지 확인하세요. 그다음 " + then.Korean,
		}}, true
	case errors.Is(e, hub.ErrNoCommonTLS):
		return result{"공통으로 지원하는 TLS 버전이나 암호 방식이 없음", lang.Text{
			English: "check the hub's address, and whether a proxy or firewall on the way is too old: TLS 1.2 or newer is needed, with ciphers that count as safe",
			Korean:  "허브 주소가 맞는지, 중간의 프록시나 방화벽이 오래되지 않았는지 확인하세요. TLS 1.2 이상과 안전한 암호 방식이 필요합니다.",
		}}, true
	case issuer:
		problem := "허브 인증서에 서명한 상위 인증서가 전송되지 않았고 이 서버에도 없음"
		if missing.Issuer != "" {
			problem += "(" + missing.Issuer + ")"
		}
		return result{problem, lang.Text{
			English: "if an intermediate certificate is missing, add it to the CA certificates and name their file in SSL_CERT_FILE; " +
				"if a proxy on the way decrypts the connection, add the proxy's CA certificate",
			Korean: "중간 인증서가 빠진 것이라면 CA 인증서 파일에 추가하고 SSL_CERT_FILE에 그 파일을 지정하세요. " +
				"중간의 프록시가 TLS 연결을 복호화한다면 그 프록시의 CA 인증서를 추가하세요.",
		}}, true
	case spelling && differs.Field == "cst_id":
		return result{"허브가 보낸 cst_id와 대소문자만 다름", lang.Text{
			English: "write the partner id exactly as Payple gave it, upper and lower case too",
			Korean:  "파트너 ID를 대소문자까지 페이플에서 받은 그대로 적으세요.",
		}}, true
	}
	return result{}, false
}

// lookUp returns what a person is told about a result code that is known to
// package hub.
func lookUp(code string) (result, bool) {
	switch code {
	case "T0200":
		return result{
			"cst_id가 없음",
			lang.Text{English: "set the partner id", Korean: "파트너 ID를 설정하세요."},
		}, true
	case "T0201":
		return result{
			"custKey가 없음",
			lang.Text{English: "check where the key is read from", Korean: "키를 읽어 오는 위치를 확인하세요."},
		}, true
	case "T0100":
		return result{"요청 형식이 거부됨", reportBug()}, true
	case "T0210", "T0211":
		return result{"요청의 code 값이 없거나 형식이 올바르지 않음", reportBug()}, true
	case "T0300":
		return result{
			"사용자 불일치(파트너 또는 인증키), 또는 지급이체 미설정",
			lang.Text{
				English: "check cst_id, custKey and hub (test or real); if they are right, ask Payple whether payouts are set up",
				Korean:  "cst_id와 custKey, 허브(테스트 또는 운영)를 확인하세요. 모두 맞다면 지급이체가 설정되어 있는지 페이플에 문의하세요.",
			},
		}, true
	case "T0310":
		return result{korean(&hub.Error{Reason: hub.ReasonIPNotAllowed}), registerAddress()}, true
	case "T0320":
		return result{
			"토큰과 파트너 ID가 일치하지 않음",
			lang.Text{
				English: "check that no two merchants share a key or a partner id",
				Korean:  "두 파트너 계정에 같은 키나 파트너 ID를 설정하지 않았는지 확인하세요.",
			},
		}, true
	case "T0322":
		return result{
			"지급이체에 등록되지 않은 파트너 ID임",
			lang.Text{
				English: "have Payple check the contract for the payout service",
				Korean:  "지급이체 계약 상태를 페이플에 확인하세요.",
			},
		}, true
	case "T0400":
		return result{
			"토큰이 유효하지 않거나 만료됨",
			lang.Text{
				English: "wait: each query gets a new token; if it lasts, call Payple, whose hub refuses its own tokens",
				Korean:  "조회할 때마다 토큰을 새로 발급받습니다. 계속되면 허브가 발급한 토큰을 허브가 거부한다고 페이플에 문의하세요.",
			},
		}, true
	case "A0007", "A0017":
		return result{
			"금융기관 응답 지연",
			lang.Text{English: "wait; if it lasts, call Payple", Korean: "일시적일 수 있습니다. 계속되면 페이플에 문의하세요."},
		}, true
	case "A0009":
		return result{
			"금융기관 처리 실패",
			lang.Text{English: "wait, then call Payple", Korean: "계속되면 응답 코드와 함께 페이플에 문의하세요."},
		}, true
	case "T0996":
		return result{
			"은행 점검 중",
			lang.Text{English: "wait until the maintenance ends", Korean: "점검이 끝난 뒤 다시 확인하세요."},
		}, true
	case "T0997":
		return result{"허브 이용 시간이 아님", ForReason(hub.ReasonClosed)}, true
	}
	return result{}, false
}
